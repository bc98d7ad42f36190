"""Sessions into a store, out of it, and into another one."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, message_to_dict

from storage import Mark, Message, Outcome, Piece, Sender, Status, Store
from storage.transfer import Broken, Fate, Form, Taken, Talk, as_file, read
from storage.transfer.talk import TalkTurn
from tests import talks as made_up
from tests.conftest import MADE, Clock, Ledger
from tests.postgres_server import PostgresServer

OWNER = "local"
Make = Callable[[], Store]


@pytest.fixture
def other(clock: Clock, tmp_path: Path, made: Path) -> Iterator[Store]:
    """Another store, empty, always SQLite."""
    with Store(f"sqlite:///{shutil.copy(made, tmp_path / 'other.db')}", clock=clock) as store:
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


@pytest.mark.parametrize("misfit", [{"tags": ["x" * 2000]}, {"title": "x" * 2000}])
def test_one_that_does_not_fit_costs_only_itself(
    ledger: Ledger, other: Store, tmp_path: Path, misfit: dict[str, Any]
) -> None:
    ledger.turn(prompt="One", reply="1")
    ledger.turn("porto" if ledger.store.sessions.start(OWNER, "porto") else "", prompt="Two", reply="2")
    document = json.loads(written(ledger.store))
    document["sessions"][0] |= misfit
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
            return opened.enter_context(Store(server.new_database(like=MADE)))

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


def test_a_text_that_came_in_does_not_keep_the_next_one_out(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    ledger.turn(prompt="One", reply="1")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    ledger.store.sessions.set(OWNER, "lisbon", {"system_prompt": "Be brief."})
    clock.forward(minutes=1)
    ledger.turn(prompt="Two", reply="2")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    other.sessions.set(OWNER, "lisbon", {"system_prompt": "Be kind."})
    assert other.sessions.text(OWNER, "lisbon", "system_prompt", 1) == "Be brief."
    assert other.sessions.text(OWNER, "lisbon", "system_prompt", 2) == "Be kind."
    with Store(f"sqlite:///{tmp_path / 'third.db'}", clock=clock) as third:
        assert fates(taken_from(third, tmp_path / "more.json", written(other))) == ["new"]


def test_going_back_and_forth_makes_no_copies(ledger: Ledger, clock: Clock, other: Store, tmp_path: Path) -> None:
    ledger.turn(prompt="Ours", reply="1")
    clock.forward(minutes=1)
    other.sessions.start(OWNER, "lisbon")
    Ledger(other).turn(prompt="Theirs", reply="2")
    for _ in range(3):
        taken_from(other, tmp_path / "there.json", written(ledger.store))
        taken_from(ledger.store, tmp_path / "back.json", written(other))
    assert [store.usage.totals(OWNER).sessions for store in (ledger.store, other)] == [2, 2]
    assert other.verify() == ledger.store.verify() == []


def test_a_copy_points_to_the_turn_it_was_copied_at_whatever_else_is_there_by_then(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    first = ledger.turn(prompt="One", reply="1").id
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    clock.forward(minutes=1)
    Ledger(other).turn(prompt="Here", reply="2")
    ledger.store.branches.fork(OWNER, "lisbon", "porto", turn_id=first)
    clock.forward(minutes=1)
    ledger.turn(prompt="There", reply="3")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    origin = other.sessions.get(OWNER, "porto").forked_from
    assert origin is not None
    assert other.paths.turn(OWNER, "lisbon", origin).prompt == "One"


def test_a_copy_that_comes_before_its_original_points_to_it_later(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    live(ledger, clock)
    taken_from(other, tmp_path / "copy.json", written(ledger.store, "porto"))
    assert other.sessions.get(OWNER, "porto").forked_from is None
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    assert other.sessions.get(OWNER, "porto").forked_from is not None


def test_what_was_answered_and_gone_on_with_elsewhere_becomes_the_path_where_nobody_went_on_here(
    ledger: Ledger, clock: Clock, other: Store, tmp_path: Path
) -> None:
    opened = ledger.open(prompt="One")
    taken_from(other, tmp_path / "early.json", written(ledger.store))
    clock.forward(minutes=1)
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "1"),)))
    ledger.turn(prompt="Two", reply="2")
    taken_from(other, tmp_path / "late.json", written(ledger.store))
    page = other.paths.page(OWNER, "lisbon", 9)
    assert [(turn.prompt, turn.reply) for turn in page] == [("One", "1"), ("Two", "2")]


def test_a_reply_that_was_taken_along_while_it_ran_is_known_where_it_came_from(ledger: Ledger, tmp_path: Path) -> None:
    opened = ledger.open(prompt="One")
    given = written(ledger.store)
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "1"),)))
    assert fates(taken_from(ledger.store, tmp_path / "early.json", given)) == ["known"]


def test_system_messages_of_both_sides_are_kept(ledger: Ledger, clock: Clock, other: Store, tmp_path: Path) -> None:
    ledger.turn(prompt="One", reply="1")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    for store, text in ((ledger.store, "There"), (other, "Here")):
        store.turns.append(OWNER, "lisbon", [Message(Sender.SYSTEM, text)])
    assert fates(taken_from(other, tmp_path / "all.json", written(ledger.store))) == ["grown"]
    told = [said.content for talk in other.transfer.give(OWNER) for _, said in talk.told]
    assert sorted(told) == ["Here", "There"]
    assert other.verify() == []


def test_no_more_are_pinned_than_can_be(ledger: Ledger, clock: Clock, other: Store, tmp_path: Path) -> None:
    ledger.turn(prompt="One", reply="1")
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    for owner_of in (ledger, Ledger(other)):
        for number in range(40):
            clock.forward(minutes=1)
            turn = owner_of.turn(prompt=f"{number}", reply="x").id
            owner_of.store.marks.mark(OWNER, "lisbon", turn, Mark.PINNED)
    taken_from(other, tmp_path / "all.json", written(ledger.store))
    given = written(other)
    with Store(f"sqlite:///{tmp_path / 'third.db'}", clock=clock) as third:
        assert fates(taken_from(third, tmp_path / "more.json", given)) == ["new"]
        assert written(third) == given


def test_what_a_reply_that_runs_has_thought_is_given(ledger: Ledger) -> None:
    opened = ledger.open(prompt="One")
    ledger.store.running.checkpoint(ledger.process, (), [Piece(opened.id, 0, "Hm.")])
    (talk,) = ledger.store.transfer.give(OWNER)
    assert talk.turns[0].messages[1].full is not None


def test_many_of_one_name_are_named_in_time_that_grows_with_their_number(other: Store) -> None:
    at = datetime(2026, 5, 4, tzinfo=UTC)
    talks = [
        Talk(f"windowseat:{number}", "same", "", at + timedelta(seconds=number), at, (), None) for number in range(600)
    ]
    names = {taken.session_id for taken in other.transfer.take(OWNER, talks) if isinstance(taken, Taken)}
    assert names == {"same", *(f"same ({number})" for number in range(2, 601))}
