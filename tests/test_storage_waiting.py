"""Prompts that wait: durable, in order, sent once, and gone with their session."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from storage import (
    Attached,
    Image,
    Message,
    OpenedTurn,
    OthersFirst,
    Outcome,
    SessionBusy,
    SessionEnded,
    SessionNotFound,
    Status,
    Store,
    TextRefused,
    TooManyWaiting,
    WaitingGone,
    WaitingPrompt,
)
from storage.database import _compiled
from storage.waiting import _BRING_ALONG, _DROP_PASSED, _HOLD_IN_ROW, _LEAVE_ALONE, _RELEASE, MOST_WAITING
from tests.conftest import Clock, Ledger

HERE = ("local", "lisbon")
CAT, DOG = Image("cat.png", "image/png", "c47", 4), Image("dog.png", "image/png", "d06", 4)


def put(ledger: Ledger, text: str = "And then?", images: Mapping[Image, bytes] | None = None, **more: Any) -> int:
    shown = images or {}
    contents = {image.digest: content for image, content in shown.items()}
    placed = ledger.store.waiting.put(*HERE, Message.prompt(text, list(shown)), contents, **more)
    assert placed is not None
    return placed


def send(
    ledger: Ledger, waiting: WaitingPrompt, images: Mapping[str, bytes] | None = None, *, releases: bool = False
) -> OpenedTurn:
    return ledger.store.turns.open(
        *HERE,
        waiting.message,
        model="echo",
        window=3,
        process_id=ledger.process,
        beside=waiting.beside,
        attached=Attached(images or {}, waiting=waiting.id, releases=releases),
    )


def close(ledger: Ledger, opened: OpenedTurn, status: Status = Status.COMPLETE) -> None:
    ledger.store.turns.close(opened, Outcome(status, (Message.reply("So"),)))


def texts(ledger: Ledger) -> list[str]:
    return [waiting.message.content for waiting in ledger.store.waiting.all(*HERE)]


def test_prompts_wait_in_the_order_in_which_they_were_placed_and_outlive_the_store(
    ledger: Ledger, each_url: str, clock: Clock
) -> None:
    ledger.open()
    first = put(ledger, "first", model="echo")
    clock.forward(seconds=1)
    put(ledger, "second")
    ledger.store.close()
    with Store(each_url) as again:
        one, two = again.waiting.all(*HERE)
        assert (one.id, one.message, one.model) == (first, Message.prompt("first"), "echo")
        assert (two.message.content, two.model, two.beside, two.placed_at) == ("second", None, None, clock.now)
        assert again.verify() == []


def test_nothing_waits_where_no_turn_runs(ledger: Ledger) -> None:
    assert ledger.store.waiting.put(*HERE, Message.prompt("Hello"), {}) is None
    close(ledger, ledger.open())
    assert ledger.store.waiting.put(*HERE, Message.prompt("Hello"), {}) is None
    assert texts(ledger) == []


def test_what_can_not_wait_is_refused(ledger: Ledger) -> None:
    ledger.open()
    with pytest.raises(TextRefused):
        put(ledger, "a\0b")
    with pytest.raises(SessionNotFound):
        ledger.store.waiting.put("anna", "lisbon", Message.prompt("Hello"), {})
    for _ in range(MOST_WAITING - 1):
        put(ledger)
    with pytest.raises(TooManyWaiting, match="20 prompts wait"):
        put(ledger, also="other")
    assert len(texts(ledger)) == MOST_WAITING - 1
    ledger.store.labels.end(*HERE)
    with pytest.raises(SessionEnded):
        put(ledger)


def test_a_prompt_that_is_sent_waits_no_longer(ledger: Ledger) -> None:
    running = ledger.open()
    put(ledger, "first")
    put(ledger, "second")
    close(ledger, running)
    waiting = ledger.store.waiting.first(*HERE, due=True)
    assert waiting is not None
    opened = send(ledger, waiting)
    assert texts(ledger) == ["second"]
    assert ledger.store.waiting.first(*HERE, due=True) is None
    close(ledger, opened)
    with pytest.raises(WaitingGone, match="sent or taken back"):
        send(ledger, waiting)
    assert ledger.prompts() == ["Hello", "first"]


def test_a_prompt_that_can_not_be_sent_waits_on(ledger: Ledger) -> None:
    ledger.open()
    put(ledger)
    (waiting,) = ledger.store.waiting.all(*HERE)
    with pytest.raises(SessionBusy):
        send(ledger, waiting)
    ledger.store.labels.end(*HERE)
    with pytest.raises(SessionEnded):
        send(ledger, waiting)
    assert ledger.store.waiting.all(*HERE) == (waiting,)


def test_of_many_that_send_a_prompt_at_once_one_does(ledger: Ledger, each_url: str) -> None:
    running = ledger.open()
    for number in range(5):
        put(ledger, str(number))
    close(ledger, running)

    def drain(_: int) -> list[str]:
        sent = []
        with Store(each_url) as store:
            own = Ledger(store)
            while (waiting := store.waiting.first(*HERE)) is not None:
                try:
                    close(own, send(own, waiting))
                except (WaitingGone, SessionBusy):
                    continue
                sent.append(waiting.message.content)
        return sent

    with ThreadPoolExecutor(4) as threads:
        sent = [text for each in threads.map(drain, range(4)) for text in each]
    assert sorted(sent) == ["0", "1", "2", "3", "4"]
    assert ledger.prompts() == ["Hello", "0", "1", "2", "3", "4"]
    assert ledger.store.verify() == []


def test_a_prompt_does_not_overtake_what_is_due_but_for_what_can_not_be_sent(ledger: Ledger) -> None:
    running = ledger.open()
    stuck = put(ledger, "stuck")
    close(ledger, running)
    with pytest.raises(OthersFirst):
        ledger.open(attached=Attached(queues=True))
    ledger.turn(attached=Attached(queues=True, stuck=stuck))
    ledger.turn()
    assert texts(ledger) == ["stuck"]


@pytest.mark.parametrize(
    ("status", "is_due"),
    [(Status.COMPLETE, True), (Status.STOPPED, True), (Status.FAILED, False), (Status.INTERRUPTED, False)],
)
def test_what_waits_is_due_after_a_reply_that_did_not_go_wrong(ledger: Ledger, status: Status, *, is_due: bool) -> None:
    running = ledger.open()
    put(ledger)
    assert ledger.store.waiting.first(*HERE, due=True) is None
    close(ledger, running, status)
    assert (ledger.store.waiting.first(*HERE, due=True) is not None) is is_due
    assert ledger.store.waiting.first(*HERE) is not None


def test_another_model_is_asked_beside_the_first_and_before_what_was_placed_later(ledger: Ledger) -> None:
    running = ledger.open()
    put(ledger, "both", also="other")
    put(ledger, "later")
    both, other, _ = ledger.store.waiting.all(*HERE)
    assert (both.model, other.model, other.along_with, other.beside) == (None, "other", both.id, None)
    close(ledger, running)
    first = send(ledger, both)
    _, later = ledger.store.waiting.all(*HERE)
    close(ledger, first, Status.FAILED)
    other = ledger.store.waiting.first(*HERE, due=True) or later
    assert (other.model, other.along_with, other.beside) == ("other", None, first.id)
    second = send(ledger, other)
    assert ledger.store.branches.siblings(*HERE, second.id).turn_ids == (first.id, second.id)
    close(ledger, second)
    assert ledger.store.waiting.first(*HERE, due=True) == later


def test_another_model_is_placed_with_the_turn_that_it_is_asked_beside(ledger: Ledger) -> None:
    running = ledger.open()
    put(ledger, "an older one")
    close(ledger, running, Status.FAILED)
    opened = ledger.open(prompt="both", attached=Attached(also="other"))
    _, other = ledger.store.waiting.all(*HERE)
    assert (other.message.content, other.model, other.beside) == ("both", "other", opened.id)
    close(ledger, opened)
    assert ledger.store.waiting.first(*HERE, due=True) == other


def test_another_model_is_not_asked_unasked_when_one_has_gone_on_elsewhere(ledger: Ledger) -> None:
    opened = ledger.open(prompt="both", attached=Attached(also="other"))
    close(ledger, opened, Status.INTERRUPTED)
    assert ledger.store.waiting.first(*HERE, due=True) is None
    ledger.turn(prompt="both, tried again", beside=opened.id)
    assert ledger.store.waiting.first(*HERE, due=True) is None
    waiting = ledger.store.waiting.first(*HERE)
    assert waiting is not None
    assert (waiting.model, waiting.beside) == ("other", opened.id)


def test_another_model_is_asked_no_more_where_the_session_has_gone_on(ledger: Ledger) -> None:
    aside = ledger.turn()
    ledger.turn(beside=aside.id)
    opened = ledger.open(prompt="both", attached=Attached(also="other"))
    put(ledger, "later")
    close(ledger, opened, Status.INTERRUPTED)
    ledger.store.branches.switch(*HERE, aside.id)
    later = ledger.store.waiting.first(*HERE)
    assert later is not None
    assert later.message.content == "later"
    ledger.store.branches.switch(*HERE, opened.id)
    assert ledger.store.waiting.first(*HERE) != later
    ledger.turn(prompt="and on")
    assert ledger.store.waiting.all(*HERE) == (later,)
    assert ledger.store.waiting.first(*HERE) == later


def test_what_waits_after_a_failure_is_held_until_a_person_asks(ledger: Ledger) -> None:
    failing = ledger.open()
    for text in ("two", "three"):
        put(ledger, text)
    close(ledger, failing, Status.FAILED)
    later = ledger.open(prompt="new", attached=Attached(queues=True))
    put(ledger, "after new")
    close(ledger, later)
    due = ledger.store.waiting.first(*HERE, due=True)
    assert due is not None
    assert due.message.content == "after new"
    assert [waiting.held for waiting in ledger.store.waiting.all(*HERE)] == [True, True, False]
    close(ledger, send(ledger, due))
    assert ledger.store.waiting.first(*HERE, due=True) is None
    two = ledger.store.waiting.first(*HERE)
    assert two is not None
    close(ledger, send(ledger, two, releases=True))
    three = ledger.store.waiting.first(*HERE, due=True)
    assert three is not None
    assert three.message.content == "three"


def test_what_waits_behind_another_model_is_held_where_that_one_is_taken_back_after_a_failure(ledger: Ledger) -> None:
    failing = ledger.open(prompt="both", attached=Attached(also="other"))
    put(ledger, "later")
    close(ledger, failing, Status.FAILED)
    other, later = ledger.store.waiting.all(*HERE)
    assert (other.held, later.held) == (False, False)
    ledger.store.waiting.take(*HERE, other.id)
    assert ledger.store.waiting.first(*HERE, due=True) is None
    ledger.turn(prompt="new", attached=Attached(queues=True))
    assert ledger.store.waiting.first(*HERE, due=True) is None


def test_what_waits_of_other_sessions_is_let_be(ledger: Ledger) -> None:
    failing = ledger.open()
    put(ledger, also="other")
    ledger.store.sessions.start("local", "porto")
    elsewhere = ledger.open("porto")
    ledger.store.waiting.put("local", "porto", Message.prompt("And then?"), {}, also="other")
    close(ledger, failing, Status.INTERRUPTED)
    ledger.store.waiting.take(*HERE, ledger.store.waiting.all(*HERE)[0].id)
    close(ledger, elsewhere)
    first, other = ledger.store.waiting.all("local", "porto")
    assert (first.held, other.held, other.along_with) == (False, False, first.id)
    assert ledger.store.waiting.first("local", "porto", due=True) == first


@pytest.mark.parametrize("statement", [_BRING_ALONG, _LEAVE_ALONE, _DROP_PASSED, _HOLD_IN_ROW, _RELEASE])
def test_what_waits_in_a_session_is_changed_without_reading_that_of_others(url: str, statement: sa.Update) -> None:
    with Store(url) as store, store._database.read() as transaction:  # noqa: SLF001 - the plan of a statement
        sql, constants = _compiled(statement, transaction.dialect)
        terms = dict.fromkeys(("key", "waiting_id", "turn_id", "parent"), 1)
        plan = transaction.driver.execute(f"EXPLAIN QUERY PLAN {sql}", {**constants, **terms})
        assert not [step for *_, step in plan.fetchall() if step.startswith("SCAN")]


def test_a_prompt_is_taken_back_with_its_images_and_what_came_along_waits_by_itself(ledger: Ledger) -> None:
    running = ledger.open()
    waiting_id = put(ledger, "What are they?", {CAT: b"meow", DOG: b"woof"}, also="other")
    assert ledger.store.waiting.all(*HERE)[0].contents == {}
    assert ledger.store.waiting.contents(*HERE, waiting_id) == {"c47": b"meow", "d06": b"woof"}
    taken = ledger.store.waiting.take(*HERE, waiting_id)
    assert (taken.message.images, taken.contents) == ((CAT, DOG), {"c47": b"meow", "d06": b"woof"})
    with pytest.raises(WaitingGone):
        ledger.store.waiting.take(*HERE, waiting_id)
    (other,) = ledger.store.waiting.all(*HERE)
    assert (other.along_with, other.beside) == (None, None)
    close(ledger, running)
    assert ledger.store.waiting.first(*HERE, due=True) == other
    assert ledger.store.waiting.contents(*HERE, other.id) == taken.contents


def test_the_images_of_a_prompt_that_is_sent_are_kept_once(ledger: Ledger) -> None:
    running = ledger.open()
    put(ledger, "What is it?", {CAT: b"meow"}, also="other")
    close(ledger, running)
    both, other = ledger.store.waiting.all(*HERE)
    opened = send(ledger, both, ledger.store.waiting.contents(*HERE, both.id))
    assert ledger.store.images.contents(*HERE, [CAT.digest]) == {CAT.digest: b"meow"}
    assert opened.id == ledger.store.waiting.all(*HERE)[0].beside
    assert ledger.store.waiting.take(*HERE, other.id).contents == {CAT.digest: b"meow"}


def test_nobody_reaches_what_waits_in_another_session(ledger: Ledger) -> None:
    ledger.open()
    waiting_id = put(ledger)
    for owner, session_id in (("local", "porto"), ("anna", "lisbon")):
        ledger.store.sessions.start(owner, session_id)
        assert ledger.store.waiting.all(owner, session_id) == ()
        with pytest.raises(WaitingGone):
            ledger.store.waiting.take(owner, session_id, waiting_id)
        with pytest.raises(WaitingGone):
            ledger.store.waiting.contents(owner, session_id, waiting_id)
        with pytest.raises(WaitingGone):
            ledger.store.turns.open(
                owner,
                session_id,
                Message.prompt("And then?"),
                model="echo",
                window=3,
                process_id=ledger.process,
                attached=Attached(waiting=waiting_id),
            )
    assert texts(ledger) == ["And then?"]


@pytest.mark.parametrize("act", ["clear", "delete"])
def test_clearing_and_deleting_leave_nothing_waiting_and_a_fork_takes_none_along(ledger: Ledger, act: str) -> None:
    running = ledger.open()
    put(ledger, also="other")
    close(ledger, running, Status.FAILED)
    ledger.store.branches.fork(*HERE, "porto")
    assert ledger.store.waiting.all("local", "porto") == ()
    getattr(ledger.store.sessions, act)(*HERE)
    ledger.store.sessions.start(*HERE)
    assert ledger.store.waiting.all(*HERE) == ()
    assert ledger.store.verify() == []


def test_a_session_says_that_something_waits_marks_or_rates_in_it(ledger: Ledger) -> None:
    seen = [ledger.store.sessions.get(*HERE)]

    def changed() -> bool:
        seen.append(ledger.store.sessions.get(*HERE))
        return seen[-1] != seen[-2]

    turn_id = ledger.turn().id
    assert changed()
    for rating in (1, -1, None):
        ledger.store.marks.rate(*HERE, turn_id, rating)
        assert changed()
    running = ledger.open()
    assert changed()
    waiting_id = put(ledger)
    assert changed()
    ledger.store.waiting.take(*HERE, waiting_id)
    assert changed()
    close(ledger, running)
    assert changed()
    assert not changed()
