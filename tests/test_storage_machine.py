"""The store beside a model of it in plain Python: whatever is done, in whatever order, the two agree."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage import Attached, Message, OpenedTurn, Outcome, Piece, Sender, SessionBusy, Status, Store
from storage.waiting import MOST_WAITING
from tests.postgres_server import PostgresServer

NAMES = ("lisbon", "porto")
WINDOW = 3
NOTHING = Attached()


@dataclass
class ModelTurn:
    """What the model knows of a turn."""

    id: int
    session: str
    parent: int | None
    prompt: str
    reply: str = ""
    status: Status = Status.RUNNING


@dataclass
class ModelWaiting:
    """What the model knows of a prompt that waits."""

    id: int
    prompt: str
    beside: int | None = None
    along_with: int | None = None
    held: bool = False


@dataclass
class ModelSession:
    """What the model knows of a session; `tips` has the last head of which each turn was on the path."""

    head: int | None = None
    title: str = ""
    tips: dict[int, int] = field(default_factory=dict)
    waiting: list[ModelWaiting] = field(default_factory=list)


class StoreMachine(RuleBasedStateMachine):
    """Drives both, with two sessions and one process that may fall silent."""

    address = "sqlite://"
    turns = Bundle("turns")
    running = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 5, 4, tzinfo=UTC)
        self.store = Store(self.fresh_address(), clock=lambda: self.now)
        self.process = self.store.running.begin_process()
        self.sessions: dict[str, ModelSession] = {}
        self.known: dict[int, ModelTurn] = {}
        self.opened = 0
        self.opened_prompts = 0

    def fresh_address(self) -> str:
        return self.address

    @initialize()
    def begin(self) -> None:
        for name in NAMES:
            self.start(name)

    @rule(name=st.sampled_from(NAMES))
    def start(self, name: str) -> None:
        self.store.sessions.start("local", name)
        self.sessions.setdefault(name, ModelSession())

    @rule(
        target=running,
        name=st.sampled_from(NAMES),
        prompt=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    )
    def open(self, name: str, prompt: str) -> Any:
        return self._open(name, prompt, None)

    @rule(target=running, turn=turns, prompt=st.sampled_from(["again", "other"]))
    def open_beside(self, turn: int, prompt: str) -> Any:
        if turn not in self.known:
            return multiple()
        return self._open(self.known[turn].session, prompt, turn)

    def _open(self, name: str, prompt: str, beside: int | None, attached: Attached = NOTHING) -> Any:
        if name not in self.sessions:
            return multiple()
        session = self.sessions[name]
        message = Message(Sender.HUMAN, prompt)
        arguments: dict[str, Any] = {"model": "m", "window": WINDOW, "process_id": self.process, "beside": beside}
        if self._is_busy(name):
            with pytest.raises(SessionBusy):
                self.store.turns.open("local", name, message, **arguments)
            return multiple()
        parent = session.head if beside is None else self.known[beside].parent
        opened = self.store.turns.open("local", name, message, **arguments, attached=attached)
        assert [turn.id for turn in opened.window] == self._path(parent)[-WINDOW:]
        self.known[opened.id] = ModelTurn(opened.id, name, parent, prompt)
        self._move_head(session, opened.id)
        self._send(session, self.known[opened.id], attached)
        session.title = session.title or " ".join(prompt.split())[:40].rstrip()
        return opened

    @rule(target=turns, name=st.sampled_from(NAMES), beside=st.none() | turns)
    def talk(self, name: str, beside: int | None) -> Any:
        """A whole turn, after the head or beside another turn."""
        if beside is not None and beside not in self.known:
            return multiple()
        where = name if beside is None else self.known[beside].session
        opened = self._open(where, f"prompt {len(self.known)}", beside)
        return self.close_with(opened, Status.COMPLETE) if isinstance(opened, OpenedTurn) else multiple()

    @rule(opened=running, text=st.sampled_from(["some ", "more "]))
    def checkpoint(self, opened: OpenedTurn, text: str) -> None:
        turn = self.known.get(opened.id)
        if turn is None or turn.status is not Status.RUNNING:
            return
        piece = Piece(opened.id, len(turn.reply), text)
        self.store.running.checkpoint(self.process, [piece])
        turn.reply += text

    @rule(
        target=turns, opened=consumes(running), status=st.sampled_from([Status.COMPLETE, Status.STOPPED, Status.FAILED])
    )
    def close(self, opened: OpenedTurn, status: Status) -> Any:
        return self.close_with(opened, status)

    def close_with(self, opened: OpenedTurn, status: Status) -> Any:
        turn = self.known.get(opened.id)
        if turn is None:
            return multiple()
        whole = f"{turn.reply}and the end"
        standing = self.store.turns.close(opened, Outcome(status, (Message(Sender.AI, whole),)))
        if turn.status is Status.RUNNING:
            turn.status = status
            self._hold(turn)
        assert standing is turn.status
        turn.reply = whole
        return opened.id

    @rule()
    def fall_silent_and_sweep(self) -> None:
        self.now += timedelta(seconds=11)
        self.store.running.sweep()
        for turn in self.known.values():
            if turn.status is Status.RUNNING:
                turn.status = Status.INTERRUPTED
                self._hold(turn)

    @rule(name=st.sampled_from(NAMES), also=st.sampled_from([None, "other"]))
    def put(self, name: str, also: str | None) -> None:
        if name not in self.sessions or len(waiting := self.sessions[name].waiting) > MOST_WAITING - 2:
            return
        self.opened_prompts += 1
        prompt = f"waiting {self.opened_prompts}"
        placed = self.store.waiting.put("local", name, Message.prompt(prompt), {}, also=also)
        assert (placed is not None) is self._is_busy(name)
        if placed is not None:
            waiting.append(ModelWaiting(placed, prompt))
            if also:
                newest = self.store.waiting.all("local", name)[-1].id
                waiting.append(ModelWaiting(newest, prompt, along_with=placed))

    @rule(target=running, name=st.sampled_from(NAMES), due=st.booleans())
    def send_first(self, name: str, *, due: bool) -> Any:
        """As it is done unasked, if it is due, or when a person asks for it."""
        if name not in self.sessions:
            return multiple()
        session = self.sessions[name]
        found = self.store.waiting.first("local", name, due=due)
        beside = [waiting for waiting in session.waiting if self._is_beside_head(session, waiting)]
        in_row = [waiting for waiting in session.waiting if waiting.beside is None]
        expected = [waiting for waiting in (*beside, *in_row) if not (due and (waiting.held or self._is_busy(name)))]
        assert (found and found.id) == (expected[0].id if expected else None)
        if found is None or self._is_busy(name):
            return multiple()
        return self._open(name, found.message.content, found.beside, Attached(waiting=found.id, releases=not due))

    @rule(name=st.sampled_from(NAMES), place=st.integers(0, MOST_WAITING))
    def take_back(self, name: str, place: int) -> None:
        if name not in self.sessions or place >= len(waiting := self.sessions[name].waiting):
            return
        taken = waiting.pop(place)
        assert self.store.waiting.take("local", name, taken.id).message.content == taken.prompt
        for other in waiting:
            if other.along_with == taken.id:
                other.along_with = None
        head = self.sessions[name].head
        if head is not None and self.known[head].status is Status.FAILED:
            self._hold(self.known[head])

    def _is_beside_head(self, session: ModelSession, waiting: ModelWaiting) -> bool:
        if waiting.beside is None or session.head is None:
            return False
        return self.known[waiting.beside].parent == self.known[session.head].parent

    def _hold(self, turn: ModelTurn) -> None:
        waiting = self.sessions[turn.session].waiting
        asked_next = any(one.beside is not None and not one.held for one in waiting)
        for one in waiting:
            if turn.status is Status.INTERRUPTED or (
                turn.status is Status.FAILED and one.beside is None and not asked_next
            ):
                one.held = True

    def _send(self, session: ModelSession, opened: ModelTurn, attached: Attached) -> None:
        """One that is sent waits no longer; what came along waits for it, and what was passed is not asked any more."""
        session.waiting = [one for one in session.waiting if one.id != attached.waiting]
        for one in session.waiting:
            if one.along_with is not None and one.along_with == attached.waiting:
                one.beside, one.along_with = opened.id, None
            one.held = one.held and not attached.releases
        session.waiting = [
            one for one in session.waiting if one.beside is None or self.known[one.beside].parent == opened.parent
        ]

    @rule(turn=turns)
    def switch(self, turn: int) -> None:
        if turn not in self.known or self._is_busy(self.known[turn].session):
            return
        session = self.sessions[self.known[turn].session]
        self.store.branches.switch("local", self.known[turn].session, turn)
        assert session.head is not None
        if turn not in self._path(session.head):
            self._move_head(session, session.tips[turn])

    @rule(name=st.sampled_from(NAMES), really=st.integers(0, 4).map(lambda dice: dice == 0))
    def clear(self, name: str, *, really: bool) -> None:
        if really and name in self.sessions and not self._is_busy(name):
            self.store.sessions.clear("local", name)
            self.sessions[name] = ModelSession(title=self.sessions[name].title)
            self._forget(name)

    @rule(name=st.sampled_from(NAMES), really=st.integers(0, 4).map(lambda dice: dice == 0))
    def delete(self, name: str, *, really: bool) -> None:
        if really and name in self.sessions and not self._is_busy(name):
            self.store.sessions.delete("local", name)
            del self.sessions[name]
            self._forget(name)

    @rule(name=st.sampled_from(NAMES))
    def append(self, name: str) -> None:
        if name in self.sessions and not self._is_busy(name):
            self.store.turns.append("local", name, [Message(Sender.HUMAN, "theirs"), Message(Sender.AI, "yours")])
            head = self.store.sessions.get("local", name).head_id
            assert head is not None
            turn = ModelTurn(head, name, self.sessions[name].head, "theirs", "yours", Status.COMPLETE)
            self.known[head] = turn
            self._move_head(self.sessions[name], head)
            self._send(self.sessions[name], turn, NOTHING)
            self.sessions[name].title = self.sessions[name].title or "theirs"

    @precondition(lambda self: self.opened < 3)
    @rule(name=st.sampled_from(NAMES))
    def fork(self, name: str) -> None:
        if name in self.sessions:
            self.opened += 1
            fork = self.store.branches.fork("local", name, f"fork {self.opened}")
            path = [self.known[turn] for turn in self._path(self.sessions[name].head)]
            copied = self.store.paths.page("local", fork.session_id, 1000)
            expected = [(turn.prompt, turn.reply) for turn in path if turn.status is not Status.RUNNING]
            assert [(turn.prompt, turn.reply) for turn in copied] == expected

    @invariant()
    def nothing_disagrees_with_the_rest(self) -> None:
        assert self.store.verify() == []

    @invariant()
    def the_same_prompts_wait(self) -> None:
        for name, session in self.sessions.items():
            stored = self.store.waiting.all("local", name)
            assert [
                ModelWaiting(one.id, one.message.content, one.beside, one.along_with, one.held) for one in stored
            ] == session.waiting

    @invariant()
    def both_have_the_same_active_path(self) -> None:
        for name, session in self.sessions.items():
            path = self._path(session.head)
            stored = self.store.paths.page("local", name, 1000)
            assert [turn.id for turn in stored] == path
            for turn in stored:
                known = self.known[turn.id]
                reply = "" if known.status is Status.RUNNING else known.reply
                assert (turn.prompt, turn.reply, turn.status) == (known.prompt, reply, known.status)
            if path:
                middle = len(path) // 2
                assert self.store.paths.page("local", name, 1, until=middle + 1)[0].id == path[middle]
            assert self.store.sessions.get("local", name).title == session.title

    def _path(self, tip: int | None) -> list[int]:
        path: list[int] = []
        while tip is not None:
            path.append(tip)
            tip = self.known[tip].parent
        return path[::-1]

    def _is_busy(self, name: str) -> bool:
        return any(turn.session == name and turn.status is Status.RUNNING for turn in self.known.values())

    def _move_head(self, session: ModelSession, head: int) -> None:
        """Remember of each turn on the new path that this was the last head it led to."""
        session.head = head
        session.tips |= dict.fromkeys(self._path(head), head)

    def _forget(self, name: str) -> None:
        self.known = {key: turn for key, turn in self.known.items() if turn.session != name}

    def teardown(self) -> None:
        self.store.close()


def test_the_store_agrees_with_a_model_of_it_on_sqlite() -> None:
    run_state_machine_as_test(StoreMachine, settings=settings(max_examples=100, stateful_step_count=40, deadline=None))


def test_the_store_agrees_with_a_model_of_it_on_postgresql(postgres: PostgresServer) -> None:
    class OnPostgres(StoreMachine):
        def fresh_address(self) -> str:
            return postgres.new_database()

    run_state_machine_as_test(
        OnPostgres,
        settings=settings(
            max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
