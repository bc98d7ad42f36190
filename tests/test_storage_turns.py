"""Turns: what is kept, in which order, and what a window holds."""

import pytest

from storage import Message, Outcome, Sender, SessionBusy, SessionNotFound, Status, TurnNotFound
from tests.conftest import Clock, Ledger


def test_an_opened_turn_has_its_prompt_on_the_disk_before_any_reply(ledger: Ledger) -> None:
    ledger.open(prompt="I go to Lisbon in May.")

    (turn,) = ledger.store.paths.page("local", "lisbon", 10)
    assert (turn.prompt, turn.reply, turn.status) == ("I go to Lisbon in May.", "", Status.RUNNING)


def test_a_closed_turn_keeps_everything_about_its_reply(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    clock.forward(seconds=2)
    outcome = Outcome(
        Status.COMPLETE,
        (Message(Sender.AI, "Take a hat."),),
        {"turns": 0},
        first_text_at=clock(),
        input_tokens=12,
        output_tokens=4,
    )
    ledger.store.turns.close(opened, outcome)

    turn = ledger.store.paths.turn("local", "lisbon", opened.id)
    assert (turn.status, turn.reply, turn.receipt) == (Status.COMPLETE, "Take a hat.", {"turns": 0})
    assert (turn.input_tokens, turn.output_tokens, turn.first_text_at) == (12, 4, clock())
    assert turn.duration is not None
    assert turn.duration.total_seconds() == 2


def test_the_window_is_the_last_whole_turns_before_the_prompt_oldest_first(ledger: Ledger) -> None:
    for number in range(6):
        ledger.turn(prompt=f"Question {number}")

    opened = ledger.open(window=3)

    assert [turn.prompt for turn in opened.window] == ["Question 3", "Question 4", "Question 5"]
    assert opened.depth == 7


def test_a_window_of_no_turns_is_empty(ledger: Ledger) -> None:
    ledger.turn()
    assert ledger.open(window=0).window == ()


def test_pages_go_back_from_the_newest_turn_and_miss_none(ledger: Ledger) -> None:
    for number in range(7):
        ledger.turn(prompt=str(number))

    newest = ledger.store.paths.page("local", "lisbon", 3)
    earlier = ledger.store.paths.page("local", "lisbon", 3, before=newest[0].id)
    first = ledger.store.paths.page("local", "lisbon", 3, before=earlier[0].id)
    assert [turn.prompt for turn in first + earlier + newest] == ["0", "1", "2", "3", "4", "5", "6"]


def test_a_second_prompt_is_refused_while_a_turn_runs_and_leaves_no_trace(ledger: Ledger) -> None:
    ledger.open(prompt="first")
    with pytest.raises(SessionBusy, match="still answering"):
        ledger.open(prompt="second")

    assert ledger.prompts() == ["first"]
    assert ledger.store.sessions.get("local", "lisbon").message_count == 1


def test_two_sessions_answer_at_the_same_time(ledger: Ledger) -> None:
    ledger.store.sessions.start("local", "porto")
    ledger.open("lisbon")
    ledger.open("porto")


def test_a_turn_beside_another_takes_its_place_on_the_active_path_and_keeps_both(ledger: Ledger) -> None:
    ledger.turn(prompt="before")
    old = ledger.turn(prompt="old")

    new = ledger.turn(prompt="new", beside=old.id)

    assert ledger.prompts() == ["before", "new"]
    assert ledger.store.paths.turn("local", "lisbon", old.id).prompt == "old"
    assert new.depth == old.depth
    assert ledger.store.sessions.get("local", "lisbon").message_count == 6


def test_a_turn_ends_only_once(ledger: Ledger) -> None:
    opened = ledger.turn(reply="the first end")
    standing = ledger.store.turns.close(opened, Outcome(Status.FAILED, (Message(Sender.AI, "another end"),)))

    assert standing is Status.COMPLETE
    assert ledger.store.paths.turn("local", "lisbon", opened.id).reply == "the first end"


def test_the_first_words_of_the_first_prompt_become_the_title(ledger: Ledger) -> None:
    ledger.turn(prompt="  What should\n I pack for a week in Lisbon, in early May?")
    ledger.turn(prompt="And for Porto?")
    assert ledger.store.sessions.get("local", "lisbon").title == "What should I pack for a week in Lisbon,"


def test_any_text_comes_back_as_it_went_in(ledger: Ledger) -> None:
    text = "日本語 🪟 e\u0301 \u202e ' \" ; -- \\ %s :x {} \r\n\t" + "a" * 200_000
    opened = ledger.turn(prompt=text, reply=text)
    turn = ledger.store.paths.turn("local", "lisbon", opened.id)
    assert (turn.prompt, turn.reply) == (text, text)


def test_a_session_that_is_not_there_is_said_to_be_missing(ledger: Ledger) -> None:
    with pytest.raises(SessionNotFound, match="no session “porto”"):
        ledger.open("porto")
    with pytest.raises(SessionNotFound):
        ledger.store.paths.page("local", "porto", 1)


def test_turns_of_another_session_or_owner_are_out_of_reach(ledger: Ledger) -> None:
    opened = ledger.turn()
    ledger.store.sessions.start("local", "porto")
    ledger.store.sessions.start("anna", "lisbon")
    for owner, session in (("local", "porto"), ("anna", "lisbon")):
        with pytest.raises(TurnNotFound):
            ledger.store.paths.turn(owner, session, opened.id)
        with pytest.raises(TurnNotFound):
            ledger.store.paths.page(owner, session, 5, before=opened.id)
        assert ledger.store.paths.page(owner, session, 5) == ()
