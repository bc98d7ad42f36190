"""Sessions into a store, out of it, and into another one."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, message_to_dict

from storage import Mark, Message, Outcome, Sender, Status, Store
from storage.transfer import Broken, Fate, Form, Taken, Talk, as_file, read
from storage.transfer.talk import TalkTurn
from tests import talks as made_up
from tests.conftest import Clock, Ledger
from tests.postgres_server import PostgresServer

OWNER = "local"
Make = Callable[[], Store]


@pytest.fixture
def other(clock: Clock, tmp_path: Path) -> Iterator[Store]:
    """Another store, empty, always SQLite."""
    with Store(f"sqlite:///{tmp_path / 'other.db'}", clock=clock) as store:
        yield store


def written(store: Store, *session_ids: str) -> bytes:
    return b"".join(as_file(store.transfer.give(OWNER, session_ids or None), Form.JSON, many=True))


def taken_from(store: Store, file: Path, content: bytes, *, dry: bool = False) -> list[Taken | Broken]:
    file.write_bytes(content)
    return [*store.transfer.take(OWNER, read(file), dry=dry)]


def fates(found: list[Taken | Broken]) -> list[str]:
    return [one.fate.value if isinstance(one, Taken) else one.reason for one in found]


def live(ledger: Ledger, clock: Clock) -> None:
    """A session with branches, marks, tags, texts and an end of each kind, and a copy of it that went on."""
    store = ledger.store
    store.sessions.set(OWNER, "lisbon", {"system_prompt": "Be brief.", "model": "echo"})
    turns = []
    for number in range(12):
        clock.forward(minutes=1)
        turns.append(ledger.turn(prompt=f"Question {number}, 你好", reply=f"Answer {number}").id)
    clock.forward(minutes=1)
    opened = ledger.open(prompt="Elsewhere?", beside=turns[5])
    receipt = {"row": [10, 1, 5], "system_prompt": 1}
    stopped = Outcome(Status.STOPPED, (Message.reply("half", "thought"),), error="Stopped.", receipt=receipt)
    store.turns.close(opened, stopped)
    store.branches.switch(OWNER, "lisbon", turns[11])
    store.marks.mark(OWNER, "lisbon", turns[2], Mark.PINNED)
    store.labels.tag(OWNER, "lisbon", "travel", "two words")
    clock.forward(minutes=1)
    store.branches.fork(OWNER, "lisbon", "porto", turn_id=turns[6])
    clock.forward(minutes=1)
    ledger.turn("porto", "And Porto?", "Too.")
    store.sessions.start(OWNER, "empty")


def test_what_is_taken_into_an_empty_store_is_given_again_byte_for_byte(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    live(ledger, clock)
    given = written(ledger.store)
    found = taken_from(other, tmp_path / "all.json", given)
    assert fates(found) == ["new"] * 3
    assert written(other) == given
    assert other.verify() == []


def test_what_was_used_is_counted_again_by_the_day_on_which_it_was(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    live(ledger, clock)
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    assert other.usage.figures(OWNER) == ledger.store.usage.figures(OWNER)
    assert other.usage.totals(OWNER) == ledger.store.usage.totals(OWNER)
    for name in ("lisbon", "porto"):
        assert other.usage.figures(OWNER, name) == ledger.store.usage.figures(OWNER, name)


def test_the_second_time_nothing_comes_in(ledger: Ledger, clock: Clock, other: Store, tmp_path: Path) -> None:
    live(ledger, clock)
    given = written(ledger.store)
    taken_from(other, tmp_path / "all.json", given)
    assert fates(taken_from(other, tmp_path / "all.json", given)) == ["known"] * 3
    assert fates(taken_from(ledger.store, tmp_path / "all.json", given)) == ["known"] * 3
    assert written(other) == written(ledger.store) == given


def test_only_what_is_new_comes_in_and_the_head_goes_on(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    live(ledger, clock)
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    clock.forward(minutes=1)
    ledger.turn(prompt="And then?", reply="Home.")
    given = written(ledger.store)
    found = taken_from(other, tmp_path / "all.json", given)
    assert fates(found) == ["grown", "known", "known"]
    assert isinstance(found[0], Taken)
    assert (found[0].turns, found[0].messages) == (1, 2)
    assert written(other) == given
    assert other.verify() == []
    assert other.usage.totals(OWNER).turns == ledger.store.usage.totals(OWNER).turns


def test_a_session_that_went_on_elsewhere_keeps_its_path_and_gets_the_other_as_a_branch(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    ledger.turn(prompt="One", reply="1")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    clock.forward(minutes=1)
    here = ledger.turn(prompt="Here", reply="2").id
    clock.forward(minutes=1)
    ledger.turn(prompt="Here too", reply="3")
    Ledger(other).turn(prompt="There", reply="4")
    assert fates(taken_from(other, tmp_path / "all.json", written(ledger.store))) == ["grown"]
    assert Ledger(other).prompts() == ["One", "There"]
    page = other.paths.page(OWNER, "lisbon", 10)
    siblings = other.branches.siblings(OWNER, "lisbon", page[-1].id)
    assert len(siblings.turn_ids) == 2
    new = next(turn_id for turn_id in siblings.turn_ids if turn_id != page[-1].id)
    other.branches.switch(OWNER, "lisbon", new)
    assert Ledger(other).prompts() == ["One", "Here", "Here too"]
    assert other.verify() == []
    assert here


def test_texts_of_the_same_number_that_differ_get_new_numbers_and_receipts_follow(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    ledger.turn(prompt="One", reply="1")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    for store, text in ((ledger.store, "Be brief."), (other, "Be long.")):
        store.sessions.set(OWNER, "lisbon", {"system_prompt": text})
    clock.forward(minutes=1)
    opened = ledger.open(prompt="Two")
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (), receipt={"row": [1, 1, 1], "system_prompt": 1}))
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    turn = other.paths.page(OWNER, "lisbon", 1)[0]
    assert isinstance(turn.receipt, dict)
    assert turn.receipt["system_prompt"] == 2
    assert other.sessions.text(OWNER, "lisbon", "system_prompt", 2) == "Be brief."
    assert other.sessions.get(OWNER, "lisbon").settings["system_prompt"].text == "Be long."


def test_a_session_of_the_same_name_that_is_another_one_stays_beside(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    ledger.turn(prompt="Ours", reply="1")
    clock.forward(minutes=1)
    other.sessions.start(OWNER, "lisbon")
    Ledger(other).turn(prompt="Theirs", reply="2")
    given = written(ledger.store)
    found = taken_from(other, tmp_path / "all.json", given)
    assert fates(found) == ["new"]
    assert isinstance(found[0], Taken)
    assert found[0].session_id == "lisbon (2)"
    assert [turn.prompt for turn in other.paths.page(OWNER, "lisbon (2)", 9)] == ["Ours"]
    assert fates(taken_from(other, tmp_path / "all.json", given)) == ["known"]


def test_a_session_in_which_a_reply_runs_is_left_out_and_said(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    ledger.turn(prompt="One", reply="1")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    clock.forward(minutes=1)
    ledger.turn(prompt="Two", reply="2")
    running = Ledger(other)
    opened = running.open(prompt="Meanwhile")
    assert fates(taken_from(other, tmp_path / "all.json", written(ledger.store))) == ["busy"]
    other.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "done"),)))
    assert fates(taken_from(other, tmp_path / "all.json", written(ledger.store))) == ["grown"]


def test_a_reply_that_runs_is_given_as_far_as_it_is_and_as_interrupted(
    ledger: Ledger, other: Store, tmp_path: Path
) -> None:
    opened = ledger.open(prompt="One")
    given = written(ledger.store)
    taken_from(other, tmp_path / "all.json", given)
    assert other.paths.page(OWNER, "lisbon", 1)[0].status is Status.INTERRUPTED
    assert written(other) == given
    assert ledger.store.paths.page(OWNER, "lisbon", 1)[0].status is Status.RUNNING
    assert opened.id


def test_a_dry_run_says_the_same_and_changes_nothing(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    live(ledger, clock)
    given = written(ledger.store)
    before = written(other)
    dry = taken_from(other, tmp_path / "all.json", given, dry=True)
    assert written(other) == before
    assert taken_from(other, tmp_path / "all.json", given) == dry


def test_a_copy_whose_original_is_not_there_still_says_what_it_was_copied_from(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    live(ledger, clock)
    given = written(ledger.store, "porto")
    taken_from(other, tmp_path / "one.json", given)
    assert written(other) == given
    assert json.loads(given)["sessions"][0]["forked_from"]["session_id"] == "lisbon"


def test_who_stops_asking_has_whole_sessions_only(ledger: Ledger, clock: Clock, other: Store, tmp_path: Path) -> None:
    for number in range(1200):
        ledger.store.sessions.start(OWNER, f"session {number}")
    (tmp_path / "all.json").write_bytes(written(ledger.store))
    taking = other.transfer.take(OWNER, read(tmp_path / "all.json"))
    for _ in range(10):
        next(taking)
    del taking
    assert 10 <= other.usage.totals(OWNER).sessions < 1200
    assert other.verify() == []


def test_one_that_does_not_fit_costs_only_itself(ledger: Ledger, other: Store, tmp_path: Path) -> None:
    ledger.turn(prompt="One", reply="1")
    ledger.turn("porto" if ledger.store.sessions.start(OWNER, "porto") else "", prompt="Two", reply="2")
    document = json.loads(written(ledger.store))
    document["sessions"][0]["tags"] = ["x" * 2000]
    found = taken_from(other, tmp_path / "all.json", json.dumps(document).encode())
    assert [type(one) for one in found] == [Broken, Taken]
    assert written(other) == written(ledger.store, "porto")


def test_other_owners_sessions_are_neither_given_nor_touched(ledger: Ledger, other: Store, tmp_path: Path) -> None:
    ledger.turn(prompt="One", reply="1")
    other.sessions.start("ann", "lisbon")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    assert other.usage.totals("ann").messages == 0
    assert [talk.session_id for talk in ledger.store.transfer.give("ann")] == []


def test_a_table_without_dates_is_taken_in_once_however_often_it_is_read(other: Store, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    add_to_table(tmp_path / "history.db", HumanMessage("One"), AIMessage("1"), HumanMessage("One"), AIMessage("1"))
    assert fates([*other.transfer.take(OWNER, read(url))]) == ["new"]
    assert fates([*other.transfer.take(OWNER, read(url))]) == ["known"]
    add_to_table(tmp_path / "history.db", HumanMessage("Two"), AIMessage("2"))
    assert fates([*other.transfer.take(OWNER, read(url))]) == ["grown"]
    name = other.sessions.page(OWNER).sessions[0].session_id
    assert Ledger(other).prompts(name) == ["One", "One", "Two"]
    assert other.verify() == []


def add_to_table(file: Path, *messages: BaseMessage) -> None:
    """As LangChain's `SQLChatMessageHistory` does."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"
        )
        rows = [("trip", json.dumps(message_to_dict(message))) for message in messages]
        connection.executemany("INSERT INTO message_store (session_id, message) VALUES (?, ?)", rows)


def test_two_who_take_the_same_file_in_at_once_take_it_in_once(
    ledger: Ledger, clock: Clock, each_url: str, tmp_path: Path
) -> None:
    live(ledger, clock)
    file = tmp_path / "all.json"
    file.write_bytes(written(ledger.store).replace(b'"lisbon"', b'"madrid"').replace(b'"porto"', b'"sevilla"'))
    with Store(each_url, clock=clock) as second:
        one, two = ledger.store.transfer.take("ann", read(file)), second.transfer.take("ann", read(file))
        found = [*zip(one, two, strict=True)]
    assert {left.fate for left, _ in found if isinstance(left, Taken)} == {Fate.NEW}
    assert {right.fate for _, right in found if isinstance(right, Taken)} == {Fate.KNOWN}


def as_kept(turn: TalkTurn) -> TalkTurn:
    """A store knows of everything when it was."""
    said = tuple(replace(message, at=message.at or turn.opened_at) for message in turn.messages)
    return replace(turn, messages=said, closed_at=turn.closed_at or turn.opened_at)


@pytest.fixture(scope="module")
def stores(request: pytest.FixtureRequest) -> Iterator[dict[str, Make]]:
    """Makers of empty stores on either engine."""
    server: PostgresServer = request.getfixturevalue("postgres")
    with TemporaryDirectory() as folder, ExitStack() as opened:
        numbers = iter(range(10_000))

        def sqlite() -> Store:
            return opened.enter_context(Store(f"sqlite:///{folder}/{next(numbers)}.db"))

        def postgresql() -> Store:
            return opened.enter_context(Store(server.new_database()))

        yield {"sqlite": sqlite, "postgresql": postgresql}


@pytest.mark.parametrize(("first", "second"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_whatever_was_said_goes_from_one_engine_to_the_other_and_back(
    stores: dict[str, Make], first: str, second: str, tmp_path: Path
) -> None:
    one, two = stores[first](), stores[second]()
    owners = iter(range(10_000))

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(made_up.talks(), max_size=3, unique_by=lambda talk: talk.session_id))
    def goes_there_and_back(talks: list[Talk]) -> None:
        owner = f"owner {next(owners)}"
        assert all(isinstance(taken, Taken) for taken in one.transfer.take(owner, talks))
        there = [*one.transfer.give(owner)]
        assert [talk.turns for talk in there] == [tuple(map(as_kept, talk.turns)) for talk in talks]
        assert all(isinstance(taken, Taken) for taken in two.transfer.take(owner, there))
        given = b"".join(as_file(iter(there), Form.JSON, many=True))
        assert b"".join(as_file(two.transfer.give(owner), Form.JSON, many=True)) == given

    goes_there_and_back()
    assert one.verify() == two.verify() == []
