"""Branches: alternatives beside each other, switching, jumping, forking; nothing is overwritten."""

import pytest

from storage import Message, Sender, SessionBusy, TextRefused, TurnExists, TurnNotFound
from tests.conftest import Ledger


def grow(ledger: Ledger, *prompts: str) -> list[int]:
    return [ledger.turn(prompt=prompt).id for prompt in prompts]


def test_siblings_are_listed_in_the_order_they_were_made(ledger: Ledger) -> None:
    _, old = grow(ledger, "before", "old")
    newer = ledger.turn(prompt="newer", beside=old).id
    newest = ledger.turn(prompt="newest", beside=newer).id

    siblings = ledger.store.branches.siblings("local", "lisbon", newer)
    assert (siblings.turn_ids, siblings.place) == ((old, newer, newest), 1)


def test_the_first_turns_of_a_session_are_siblings_too_and_only_of_each_other(ledger: Ledger) -> None:
    (first,) = grow(ledger, "first")
    other = ledger.turn(prompt="other", beside=first).id
    ledger.store.sessions.start("local", "porto")
    ledger.turn("porto")
    assert ledger.store.branches.siblings("local", "lisbon", first).turn_ids == (first, other)


def test_switching_to_a_sibling_goes_to_where_its_branch_was_last_used(ledger: Ledger) -> None:
    _, old, _ = grow(ledger, "before", "old", "old, continued")
    new = ledger.turn(prompt="new", beside=old).id
    grow(ledger, "new, continued", "and on")

    ledger.store.branches.switch("local", "lisbon", old)
    assert ledger.prompts() == ["before", "old", "old, continued"]
    ledger.store.branches.switch("local", "lisbon", new)
    assert ledger.prompts() == ["before", "new", "new, continued", "and on"]


def test_branches_within_branches_are_found_again(ledger: Ledger) -> None:
    a, b, c = grow(ledger, "a", "b", "c")
    c2 = ledger.turn(prompt="c2", beside=c).id
    b2 = ledger.turn(prompt="b2", beside=b).id

    ledger.store.branches.switch("local", "lisbon", b)
    assert ledger.prompts() == ["a", "b", "c2"]
    ledger.store.branches.switch("local", "lisbon", b2)
    ledger.store.branches.switch("local", "lisbon", c)
    assert ledger.prompts() == ["a", "b", "c"]
    ledger.store.branches.switch("local", "lisbon", b2)
    ledger.store.branches.switch("local", "lisbon", b)
    assert ledger.prompts() == ["a", "b", "c"]
    assert ledger.store.branches.is_active("local", "lisbon", a)
    assert not ledger.store.branches.is_active("local", "lisbon", c2)


def test_a_branch_that_was_left_twice_is_still_found_where_it_was_last_used(ledger: Ledger) -> None:
    one, two, three = grow(ledger, "1", "2", "3")
    ledger.turn(prompt="4", beside=one)
    ledger.turn(prompt="5", beside=two)
    ledger.store.branches.switch("local", "lisbon", two)
    assert ledger.prompts() == ["1", "2", "3"]
    assert ledger.store.branches.is_active("local", "lisbon", three)


def test_switching_to_the_active_path_changes_nothing(ledger: Ledger) -> None:
    first, _, last = grow(ledger, "1", "2", "3")
    assert ledger.store.branches.switch("local", "lisbon", first) == last
    assert ledger.prompts() == ["1", "2", "3"]


def test_the_next_prompt_follows_the_branch_that_was_switched_to(ledger: Ledger) -> None:
    _, old = grow(ledger, "before", "old")
    ledger.turn(prompt="new", beside=old)
    ledger.store.branches.switch("local", "lisbon", old)
    opened = ledger.open(prompt="next")
    assert [turn.prompt for turn in opened.window] == ["before", "old"]


def test_no_branch_is_switched_to_while_a_turn_runs(ledger: Ledger) -> None:
    (old,) = grow(ledger, "old")
    ledger.turn(prompt="new", beside=old)
    ledger.open(prompt="running")
    with pytest.raises(SessionBusy):
        ledger.store.branches.switch("local", "lisbon", old)


def test_counters_count_the_turns_of_all_branches(ledger: Ledger) -> None:
    (old,) = grow(ledger, "old")
    ledger.turn(prompt="new", beside=old)
    assert ledger.store.sessions.get("local", "lisbon").message_count == 4
    assert ledger.store.usage.totals("local").turns == 2


@pytest.mark.parametrize("depth", [1, 2, 3, 64, 65, 199, 200])
def test_a_jump_to_any_depth_lands_there(ledger: Ledger, depth: int) -> None:
    ledger.store.turns.append("local", "lisbon", [Message(Sender.HUMAN, str(n)) for n in range(1, 201)])
    page = ledger.store.paths.page("local", "lisbon", 2, until=depth)
    assert [turn.prompt for turn in page] == [str(n) for n in (depth - 1, depth) if n]
    assert page[-1].depth == depth


def test_a_jump_beyond_the_end_finds_nothing(ledger: Ledger) -> None:
    grow(ledger, "1")
    assert ledger.store.paths.page("local", "lisbon", 2, until=5) == ()


def test_a_fork_begins_with_a_copy_and_goes_its_own_way(ledger: Ledger) -> None:
    first, old = grow(ledger, "first", "old")
    ledger.turn(prompt="new", beside=old)
    usage = ledger.store.usage.figures("local")

    fork = ledger.store.branches.fork("local", "lisbon", "fork")
    assert ledger.prompts("fork") == ["first", "new"]
    assert (fork.title, fork.message_count, fork.depth) == ("first", 4, 2)
    ledger.turn("fork", "only here")
    assert ledger.prompts("lisbon") == ["first", "new"]
    assert ledger.store.paths.page("local", "fork", 1, until=1)[0].prompt == "first"

    totals = ledger.store.usage.totals("local")
    assert (totals.sessions, totals.turns, totals.messages) == (2, 6, 12)
    assert usage.tally.turns == 3
    assert ledger.store.usage.figures("local").tally.turns == 4

    short = ledger.store.branches.fork("local", "lisbon", "short", turn_id=first)
    assert (ledger.prompts("short"), short.forked_from) == (["first"], first)


def test_a_fork_leaves_out_what_still_runs_and_never_replaces_a_session(ledger: Ledger) -> None:
    grow(ledger, "first")
    ledger.open(prompt="running")
    ledger.store.branches.fork("local", "lisbon", "fork")
    assert ledger.prompts("fork") == ["first"]
    ledger.turn("fork", "mine")
    assert ledger.store.branches.fork("local", "lisbon", "fork").depth == 2
    assert ledger.prompts("fork") == ["first", "mine"]


def test_a_fork_takes_the_system_messages_along(ledger: Ledger) -> None:
    ledger.store.turns.append("local", "lisbon", [Message(Sender.SYSTEM, "Be kind."), Message(Sender.HUMAN, "Hello")])
    assert ledger.store.branches.fork("local", "lisbon", "fork").message_count == 2
    assert [message.content for message in ledger.store.paths.messages("local", "fork")] == ["Hello", "Be kind."]
    assert ledger.store.verify() == []


def test_an_empty_session_can_be_forked(ledger: Ledger) -> None:
    assert ledger.store.branches.fork("local", "lisbon", "fork").depth == 0


def test_a_prompt_sent_again_with_its_key_is_not_stored_twice(ledger: Ledger) -> None:
    opened = ledger.turn(prompt="once", idempotency_key="k")
    with pytest.raises(TurnExists) as again:
        ledger.open(prompt="once", idempotency_key="k")
    assert again.value.turn_id == opened.id
    assert ledger.prompts() == ["once"]
    ledger.store.sessions.start("local", "porto")
    ledger.turn("porto", "once", idempotency_key="k")


def test_branches_of_others_are_out_of_reach(ledger: Ledger) -> None:
    (turn,) = grow(ledger, "mine")
    ledger.store.sessions.start("anna", "lisbon")
    for act in (ledger.store.branches.siblings, ledger.store.branches.switch, ledger.store.branches.is_active):
        with pytest.raises(TurnNotFound):
            act("anna", "lisbon", turn)
    with pytest.raises(TurnNotFound):
        ledger.store.branches.fork("anna", "lisbon", "fork", turn_id=turn)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_one_engine_could_not_keep_is_refused_by_both(ledger: Ledger, text: str) -> None:
    with pytest.raises(TextRefused):
        ledger.turn(prompt=text)
    assert ledger.prompts() == []
