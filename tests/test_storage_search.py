"""Finding: the same hits on both engines, and those of a plain scan."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Filters, Findings, Message, Outcome, Sender, SessionNotFound, Snippet, Status, Store
from storage.query import understood
from storage.search import RANKED
from storage.snippet import snippet
from storage.words import fold
from tests.conftest import Clock, Ledger
from tests.postgres_server import PostgresServer
from tests.search_table import CASES, MESSAGES, Case


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the messages of the table, each the prompt of a session with its key for a name."""
    url = f"sqlite:///{tmp_path_factory.mktemp('library')}/windowseat.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    with Store(url) as store:
        for name, text in MESSAGES.items():
            store.sessions.start("local", name)
            store.turns.append("local", name, [Message(Sender.HUMAN, text)])
        yield store


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.script} {case.query!a}")
def test_the_table_of_queries_has_the_hits_it_says(library: Store, case: Case) -> None:
    found = library.search.find("local", case.query, count=100)
    assert messages_of(found) == (set() if found.widened else case.hits) == case.hits
    scanned = {name for name, text in MESSAGES.items() if holds(case.query, text)}
    assert scanned == case.hits


def messages_of(found: Findings) -> set[str]:
    return set() if found.widened else {hit.session_id for hit in found.hits if hit.turn_id is not None}


def holds(query: str, text: str) -> bool:
    """A plain scan, with the same folding."""
    terms = understood(query).terms
    return bool(terms) and all(any(term.places(fold(text))) for term in terms)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    typed=st.text(st.sampled_from(" \"*'-()北京กรุงlisbonPORTO_:%ёé\u0301\u05d0\u05beé1,&|!<>\\“”"))
    | st.text(max_size=30),
)
def test_whatever_is_typed_is_a_search_with_the_hits_of_a_plain_scan(library: Store, typed: str) -> None:
    typed = typed.replace("\0", "")
    found = library.search.find("local", typed, count=100)
    assert messages_of(found) == {name for name, text in MESSAGES.items() if holds(typed, text)}


def test_a_long_text_is_a_search_too(library: Store) -> None:
    for typed in (
        "京" * 100_000,
        "lisbon " * 5000,
        "北京" * 5000,
        '"' + "night train " * 3000 + '"',
        "a.b" * 4000,
        "x" * 100_000,
    ):
        library.search.find("local", typed)


def marked(found: Findings) -> list[str]:
    return [hit.snippet.marked("[", "]") for hit in found.hits]


def test_titles_come_first_and_then_messages_the_newest_first(ledger: Ledger) -> None:
    ledger.turn(prompt="Where is Lisbon?", reply="Lisbon is in Portugal.")
    ledger.turn(prompt="And Porto?", reply="North of Lisbon.")
    assert marked(ledger.store.search.find("local", "lisbon")) == [
        "Where is [Lisbon]?",
        "North of [Lisbon].",
        "[Lisbon] is in Portugal.",
        "Where is [Lisbon]?",
    ]


def test_pages_of_hits_join_without_a_gap(ledger: Ledger) -> None:
    for number in range(5):
        ledger.store.sessions.start("local", f"trip {number}")
        ledger.turn(f"trip {number}", f"Lisbon trip {number}", f"Lisbon, of course {number}")
    for best in (False, True):
        found, after = [], None
        while True:
            page = ledger.store.search.find("local", "lisbon", count=2, after=after, best=best)
            found += marked(page)
            if (after := page.after) is None:
                break
        assert len(found) == 15
        assert found[:5] == [f"[Lisbon] trip {number}" for number in (4, 3, 2, 1, 0)]
        assert len(set(found[5:])) == 10


def test_a_turn_that_ends_meanwhile_repeats_no_hit_on_the_next_page(ledger: Ledger) -> None:
    for number in range(3):
        ledger.turn(prompt=f"One {number}", reply=f"Tea {number}")
    first = ledger.store.search.find("local", "tea", best=True, count=2)
    ledger.turn(prompt="Two", reply="Tea! Tea!")
    second = ledger.store.search.find("local", "tea", best=True, count=2, after=first.after)
    assert len({hit.turn_id for hit in (*first.hits, *second.hits)}) == 3


def test_the_best_say_it_more_often_in_fewer_words(ledger: Ledger) -> None:
    ledger.turn(prompt="One", reply="Tea? Tea. Tea!")
    ledger.turn(prompt="Two", reply="A long story in which tea comes up once, and which then goes on and on and on.")
    ledger.turn(prompt="Three", reply="Tea, please.")
    found = ledger.store.search.find("local", "tea", best=True)
    assert [hit.snippet.text[:8] for hit in found.hits] == ["Tea? Tea", "Tea, ple", "A long s"]
    assert found.ranked is None


def test_a_search_that_ranks_only_the_newest_says_so(ledger: Ledger) -> None:
    ledger.store.turns.append("local", "lisbon", [Message(Sender.HUMAN, "Tea? Tea! Tea.")])
    ledger.store.turns.append("local", "lisbon", [Message(Sender.AI, f"Tea {number}") for number in range(RANKED)])
    found = ledger.store.search.find("local", "tea", best=True)
    assert found.ranked == RANKED
    assert all("Tea? Tea!" not in hit.snippet.text for hit in found.hits if hit.turn_id)


def test_words_nobody_wrote_are_taken_for_beginnings(ledger: Ledger) -> None:
    ledger.turn(prompt="Warm lands", reply="Lisbon and Libya")
    found = ledger.store.search.find("local", "lis")
    assert (marked(found), found.widened) == (["[Lisbon] and Libya"], True)
    found = ledger.store.search.find("local", "libyan")
    assert (found.hits, found.widened) == ((), False)


def test_a_hit_is_found_by_session_time_model_and_sender(ledger: Ledger, clock: Clock) -> None:
    store = ledger.store
    ledger.turn(prompt="Tea at noon", reply="Tea it is")
    noon = clock.now
    clock.forward(days=40)
    store.sessions.start("local", "porto")
    opened = store.turns.open(
        "local", "porto", Message(Sender.HUMAN, "Tea later"), model="ollama:gemma3:4b", window=0, process_id=1
    )
    store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Tea, again"),)))

    def texts(**filters: object) -> list[str]:
        return [hit.snippet.text for hit in store.search.find("local", "tea", Filters(**filters)).hits]  # type: ignore[arg-type]

    assert texts(session_id="porto") == ["Tea, again", "Tea later"]
    assert texts(sender=Sender.HUMAN) == ["Tea later", "Tea at noon"]
    assert texts(model="ollama:gemma3:4b") == ["Tea, again", "Tea later"]
    assert texts(model="nobody") == []
    assert texts(until=clock.now) == ["Tea it is", "Tea at noon"]
    assert texts(since=clock.now) == ["Tea, again", "Tea later"]
    assert texts(since=noon, until=clock.now, sender=Sender.AI) == ["Tea it is"]
    assert texts(since=noon.date(), until=noon.date() + timedelta(days=1)) == ["Tea it is", "Tea at noon"]
    assert texts(since=clock.now, until=noon) == []
    with pytest.raises(SessionNotFound):
        texts(session_id="nowhere")


def test_a_time_that_ends_early_in_a_month_reaches_into_it(ledger: Ledger, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 1, 5, tzinfo=UTC)
    ledger.turn(prompt="Tea", reply="Tea")
    since, until = datetime(2026, 1, 15, 18, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert len(ledger.store.search.find("local", "tea", Filters(since=since, until=until)).hits) == 2
    edge = Filters(since=datetime.min.replace(tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC))
    assert len(ledger.store.search.find("local", "tea", edge).hits) == 2


def test_without_words_all_that_the_filters_let_in_is_found(ledger: Ledger) -> None:
    ledger.turn(prompt="One", reply="Two")
    found = ledger.store.search.find("local", " ", Filters(sender=Sender.HUMAN))
    assert [hit.snippet.text for hit in found.hits] == ["One"]
    assert ledger.store.search.find("local", "!?", Filters(sender=Sender.HUMAN)).hits == ()
    assert ledger.store.search.find("local", "").hits == ()


def test_nobody_finds_what_is_somebody_elses(ledger: Ledger) -> None:
    ledger.turn(prompt="A secret", reply="Hush")
    assert ledger.store.search.find("anna", "secret").hits == ()


def test_a_turn_is_found_when_it_has_ended_however_it_did(ledger: Ledger) -> None:
    opened = ledger.open(prompt="Tell me of Faro")
    assert [hit.turn_id for hit in ledger.store.search.find("local", "faro").hits] == [None]
    ledger.store.turns.close(opened, Outcome(Status.STOPPED, (Message(Sender.AI, "Faro is"),)))
    assert marked(ledger.store.search.find("local", "faro"))[1:] == ["[Faro] is", "Tell me of [Faro]"]
    assert ledger.store.verify() == []


def test_text_that_comes_late_is_found_instead_of_what_was_swept(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open(prompt="Hello")
    clock.forward(minutes=1)
    ledger.store.running.sweep()
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Better late"),)))
    assert marked(ledger.store.search.find("local", "late")) == ["Better [late]"]
    assert ledger.store.verify() == []


def test_a_hit_leads_to_its_turn_on_whichever_branch(ledger: Ledger) -> None:
    first = ledger.turn(prompt="Tea or coffee?", reply="Coffee")
    ledger.turn(prompt="Tea or water?", reply="Water", beside=first.id)
    (hit,) = ledger.store.search.find("local", "coffee", Filters(sender=Sender.AI)).hits
    assert hit.turn_id == first.id
    assert not ledger.store.branches.is_active("local", "lisbon", first.id)
    ledger.store.branches.switch("local", "lisbon", first.id)
    assert ledger.prompts() == ["Tea or coffee?"]


def test_what_is_renamed_cleared_or_deleted_is_found_no_more(ledger: Ledger) -> None:
    store = ledger.store
    ledger.turn(prompt="Tea", reply="Tea")
    store.branches.fork("local", "lisbon", "copy")
    assert len(store.search.find("local", "tea").hits) == 6
    store.sessions.rename("local", "copy", "Coffee")
    assert len(store.search.find("local", "tea").hits) == 5
    store.sessions.clear("local", "copy")
    assert len(store.search.find("local", "tea").hits) == 3
    assert store.verify() == []
    for name in ("copy", "lisbon"):
        store.sessions.delete("local", name)
    assert store.search.find("local", "tea").hits == store.search.find("local", "coffee").hits == ()
    assert store.verify() == []


def test_a_text_of_megabytes_is_kept_and_found_by_its_beginning(ledger: Ledger) -> None:
    ledger.turn(reply="Beginning " + " ".join(f"{number:x}" for number in range(400_000)))
    assert len(ledger.store.search.find("local", "beginning").hits) == 1
    assert ledger.store.search.find("local", f"{399_999:x}").hits == ()
    ledger.store.sessions.delete("local", "lisbon")
    assert ledger.store.verify() == []


def test_words_of_an_older_version_are_made_anew_at_the_opening(store: Store, each_url: str) -> None:
    store.sessions.start("local", "lisbon")
    Ledger(store).turn(prompt="Tea")
    with store._database.write() as transaction:  # noqa: SLF001
        transaction.driver.execute("UPDATE housekeeping SET value = 0 WHERE task = 'words'")
        transaction.driver.execute("UPDATE sessions SET title = 'Changed by an older Windowseat'")
    with Store(each_url) as again:
        assert [hit.turn_id is None for hit in again.search.find("local", "older").hits] == [True]
        assert again.verify() == []


@pytest.mark.parametrize(
    ("query", "text", "shown"),
    [
        ("strasse", "Die Straße, die STRASSE", "Die [Straße], die [STRASSE]"),
        ("cafe", "Un cafe\u0301 noir", "Un [café] noir"),
        ("العربية", "تعلم الْعَرَبِيَّةُ الآن", "تعلم [الْعَرَبِيَّةُ] الآن"),
        ("น้ำ", "ดื่มน้ำเย็น", "ดื่ม[น้ำ]เย็น"),
        ("京", "北京天气", "北[京]天气"),
        ("mail*", "E-mails\n\nand  mailing", "E-[mails] and [mailing]"),
        ('"new york"', "New-York, new   york; newer york", "[New-York], [new york]; newer york"),
        ("ﬁn", "The ﬁn of a fish", "The [ﬁn] of a fish"),
        ("needle", "ﾊﾞ and a needle, ½", "ﾊﾞ and a [needle], ½"),
        ("2", "Only ½ of it", "Only [½] of it"),
        ("서울", "서울에서 만나요", "[서울]에서 만나요"),
    ],
)
def test_a_snippet_marks_the_text_as_it_was_written(query: str, text: str, shown: str) -> None:
    assert snippet(understood(query), text).marked("[", "]") == shown


def test_a_snippet_is_the_part_with_the_most_of_what_was_asked_for() -> None:
    text = "tea " + "and so on " * 100 + "where tea and cake are served" + " and so on" * 100
    found = snippet(understood("tea cake"), text)
    assert "where [tea] and [cake] are served" in found.marked("[", "]")
    assert found.text.startswith("…")
    assert found.text.endswith("…")
    assert len(found.text) < 210


@given(st.text(), st.text())
def test_a_snippet_is_made_of_any_text(typed: str, text: str) -> None:
    found = snippet(understood(typed), text)
    assert isinstance(found, Snippet)
    assert len(found.text) <= 202
