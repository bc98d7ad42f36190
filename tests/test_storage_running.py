"""Replies while they run: checkpoints, leases, the sweep, and stopping from elsewhere."""

from storage import INTERRUPTED, Message, Outcome, Piece, Sender, Status, Store
from tests.conftest import Clock, Ledger


def test_checkpointed_text_can_be_read_from_any_piece_on(ledger: Ledger) -> None:
    opened = ledger.open()
    ledger.store.running.checkpoint(ledger.process, [Piece(opened.id, 0, "Take ")])
    ledger.store.running.checkpoint(ledger.process, [Piece(opened.id, 5, "a hat.")])

    assert ledger.store.running.text("local", "lisbon", opened.id) == "Take a hat."
    assert ledger.store.running.text("local", "lisbon", opened.id, 5) == "a hat."


def test_a_turn_whose_process_is_gone_becomes_interrupted_with_the_text_it_had(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    ledger.store.running.checkpoint(ledger.process, [Piece(opened.id, 0, "Take a")])
    clock.forward(seconds=6)

    assert ledger.store.running.sweep() == 1

    turn = ledger.store.paths.turn("local", "lisbon", opened.id)
    assert (turn.status, turn.reply, turn.error) == (Status.INTERRUPTED, "Take a", INTERRUPTED)
    assert ledger.store.running.text("local", "lisbon", opened.id) == ""
    assert ledger.store.running.sweep() == 0


def test_a_process_that_keeps_its_lease_keeps_its_turns(ledger: Ledger, clock: Clock) -> None:
    ledger.open()
    for _ in range(5):
        clock.forward(seconds=4)
        ledger.store.running.checkpoint(ledger.process, [])
        assert ledger.store.running.sweep() == 0


def test_a_turn_that_was_just_opened_is_left_alone_though_its_process_was_idle_for_long(
    ledger: Ledger, clock: Clock
) -> None:
    clock.forward(hours=1)
    ledger.open()
    assert ledger.store.running.sweep() == 0


def test_a_process_sweeps_what_it_has_lost_and_nothing_that_it_runs(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    clock.forward(minutes=1)
    assert ledger.store.running.sweep(process_id=ledger.process, runs={opened.id}) == 0
    assert ledger.store.running.sweep(process_id=ledger.process) == 1


def test_a_process_that_comes_back_late_adds_its_text_and_no_other_status(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    ledger.store.running.checkpoint(ledger.process, [Piece(opened.id, 0, "Take a")])
    clock.forward(seconds=6)
    ledger.store.running.sweep()

    late = Outcome(Status.COMPLETE, (Message(Sender.AI, "Take a hat."),))
    assert ledger.store.turns.close(opened, late) is Status.INTERRUPTED

    turn = ledger.store.paths.turn("local", "lisbon", opened.id)
    assert (turn.status, turn.reply) == (Status.INTERRUPTED, "Take a hat.")
    assert ledger.store.sessions.get("local", "lisbon").message_count == 2
    assert ledger.store.usage.totals("local").messages == 2


def test_a_late_process_takes_nothing_from_what_was_added_meanwhile(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    clock.forward(seconds=6)
    ledger.store.running.sweep()
    ledger.store.turns.append("local", "lisbon", [Message(Sender.AI, "Theirs")])
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Ours, late"),)))
    assert ledger.store.paths.turn("local", "lisbon", opened.id).reply == "Theirs"
    assert ledger.store.verify() == []


def test_a_checkpoint_may_be_repeated(ledger: Ledger) -> None:
    opened = ledger.open()
    for _ in range(2):
        ledger.store.running.checkpoint(ledger.process, [Piece(opened.id, 0, "Take ")])
    assert ledger.store.running.text("local", "lisbon", opened.id) == "Take "


def test_text_of_a_turn_that_was_swept_meanwhile_is_not_kept_twice(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    clock.forward(seconds=6)
    ledger.store.running.sweep()
    ledger.store.running.checkpoint(ledger.process, [Piece(opened.id, 0, "late")])
    assert ledger.store.running.text("local", "lisbon", opened.id) == ""


def test_a_stop_asked_for_elsewhere_reaches_the_process_that_runs_the_turn(ledger: Ledger, each_url: str) -> None:
    opened = ledger.open()
    assert ledger.store.running.checkpoint(ledger.process, []) == set()

    with Store(each_url) as elsewhere:
        elsewhere.running.ask_to_stop("local", "lisbon", opened.id)

    assert ledger.store.running.checkpoint(ledger.process, []) == {opened.id}


def test_nobody_stops_the_reply_of_another_owner(ledger: Ledger) -> None:
    opened = ledger.open()
    ledger.store.sessions.start("anna", "lisbon")
    ledger.store.running.ask_to_stop("anna", "lisbon", opened.id)
    assert ledger.store.running.checkpoint(ledger.process, []) == set()


def test_the_end_of_a_turn_leaves_no_checkpoints_behind(ledger: Ledger) -> None:
    opened = ledger.open()
    ledger.store.running.checkpoint(ledger.process, [Piece(opened.id, 0, "Take ")])
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Take a hat."),)))
    assert ledger.store.running.text("local", "lisbon", opened.id) == ""
