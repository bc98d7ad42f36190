"""What is said of single turns, what lies before one, what models think, and the images of prompts."""

from datetime import timedelta

import pytest

from storage import Attached, Image, Mark, Message, Outcome, Piece, SessionNotFound, Status, TooManyPinned, TurnNotFound
from storage.marks import MOST_PINNED
from tests.conftest import Clock, Ledger

CAT = Image("cat.png", "image/png", "c47", 4)


def test_a_turn_is_pinned_excluded_and_rated_and_all_of_it_taken_back(ledger: Ledger) -> None:
    marks, turn_id = ledger.store.marks, ledger.turn().id

    def marked() -> tuple[Mark | None, int | None]:
        turn = ledger.store.paths.turn("local", "lisbon", turn_id)
        return turn.mark, turn.rating

    assert marked() == (None, None)
    marks.mark("local", "lisbon", turn_id, Mark.PINNED)
    marks.rate("local", "lisbon", turn_id, -1)
    assert marked() == (Mark.PINNED, -1)
    marks.mark("local", "lisbon", turn_id, Mark.EXCLUDED)
    marks.rate("local", "lisbon", turn_id, None)
    assert marked() == (Mark.EXCLUDED, None)
    marks.mark("local", "lisbon", turn_id, None)
    assert marked() == (None, None)
    assert ledger.store.verify() == []


def test_nobody_marks_a_turn_of_another_session_or_owner(ledger: Ledger) -> None:
    turn_id = ledger.turn().id
    ledger.store.sessions.start("local", "porto")
    with pytest.raises(TurnNotFound):
        ledger.store.marks.mark("local", "porto", turn_id, Mark.PINNED)
    with pytest.raises(SessionNotFound):
        ledger.store.marks.rate("somebody else", "lisbon", turn_id, 1)
    assert ledger.store.paths.turn("local", "lisbon", turn_id).mark is None


def test_what_lies_before_a_turn_is_its_window_and_the_pinned_turns_of_its_own_path(ledger: Ledger) -> None:
    turns = [ledger.turn(prompt=str(number)).id for number in range(6)]
    other = ledger.turn(prompt="another 3", beside=turns[3]).id
    for turn_id in (turns[0], turns[4], other):
        ledger.store.marks.mark("local", "lisbon", turn_id, Mark.PINNED)
    past = ledger.store.paths.past("local", "lisbon", 2)
    assert [turn.prompt for turn in past.window] == ["2", "another 3"]
    assert [turn.prompt for turn in past.pinned] == ["0"]
    assert past.depth == 5

    ledger.store.branches.switch("local", "lisbon", turns[5])
    assert [turn.prompt for turn in ledger.store.paths.past("local", "lisbon", 1).pinned] == ["0", "4"]
    beside = ledger.store.paths.past("local", "lisbon", 10, beside=turns[2])
    assert [turn.prompt for turn in beside.window] == ["0", "1"]
    before = ledger.store.paths.before("local", "lisbon", turns[5], [1, 3, 4])
    assert [turn.prompt for turn in before] == ["0", "2", "3"]
    assert ledger.store.paths.before("local", "lisbon", turns[0], []) == ()


def test_only_so_many_turns_of_a_session_are_pinned(ledger: Ledger) -> None:
    turns = [ledger.turn().id for _ in range(MOST_PINNED + 1)]
    for turn_id in turns[:-1]:
        ledger.store.marks.mark("local", "lisbon", turn_id, Mark.PINNED)
    with pytest.raises(TooManyPinned, match="can have 50 pinned turns"):
        ledger.store.marks.mark("local", "lisbon", turns[-1], Mark.PINNED)
    assert ledger.store.paths.turn("local", "lisbon", turns[-1]).mark is None
    ledger.store.marks.mark("local", "lisbon", turns[0], None)
    ledger.store.marks.mark("local", "lisbon", turns[-1], Mark.PINNED)


def test_a_fork_takes_marks_and_images_along_and_clearing_leaves_none(ledger: Ledger) -> None:
    opened = ledger.store.turns.open(
        "local",
        "lisbon",
        Message.prompt("What is it?", [CAT]),
        model="echo",
        window=3,
        process_id=ledger.process,
        attached=Attached({CAT.digest: b"meow"}),
    )
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (Message.reply("A cat."),)))
    ledger.store.marks.mark("local", "lisbon", opened.id, Mark.PINNED)
    ledger.store.marks.rate("local", "lisbon", opened.id, 1)
    ledger.store.branches.fork("local", "lisbon", "porto")
    ledger.store.sessions.clear("local", "lisbon")

    assert ledger.store.images.contents("local", "lisbon", [CAT.digest]) == {}
    assert ledger.store.images.contents("local", "porto", [CAT.digest, "none"]) == {CAT.digest: b"meow"}
    (copy,) = ledger.store.paths.page("local", "porto", 1)
    assert (copy.mark, copy.rating, copy.messages[0].images) == (Mark.PINNED, 1, (CAT,))
    assert (copy.prompt, copy.reply) == ("What is it?", "A cat.")
    ledger.store.sessions.delete("local", "porto")
    assert ledger.store.verify() == []


def test_thinking_is_durable_while_a_reply_runs_and_stays_when_its_process_is_gone(
    ledger: Ledger, clock: Clock
) -> None:
    running, store = ledger.open(), ledger.store
    store.running.checkpoint(ledger.process, [], [Piece(running.id, 0, "They ask ")])
    store.running.checkpoint(ledger.process, [Piece(running.id, 0, "To")], [Piece(running.id, 9, "about May.")])
    assert store.running.thinking("local", "lisbon", running.id) == "They ask about May."
    assert store.running.thinking("local", "lisbon", running.id, 9) == "about May."
    clock.now += timedelta(seconds=30)
    assert store.running.sweep() == 1
    (turn,) = store.paths.page("local", "lisbon", 1)
    assert (turn.status, turn.thinking, turn.reply) == (Status.INTERRUPTED, "They ask about May.", "To")
    assert store.verify() == []


def test_a_model_made_title_takes_the_place_of_the_first_words_only(ledger: Ledger) -> None:
    assert not ledger.store.sessions.retitle("local", "lisbon", "Nothing yet")
    ledger.turn(prompt="How far is it from there to here, and which way does one go?")
    assert ledger.store.sessions.retitle("local", "lisbon", "The way")
    assert not ledger.store.sessions.retitle("local", "lisbon", "Another way")
    assert ledger.store.sessions.get("local", "lisbon").title == "The way"
    assert ledger.store.verify() == []


def test_numbers_are_kept_by_name(ledger: Ledger) -> None:
    assert ledger.store.notes.number("tokens of mine") is None
    for number in (3, 3_000_000_000):
        ledger.store.notes.keep("tokens of mine", number)
        assert ledger.store.notes.number("tokens of mine") == number
