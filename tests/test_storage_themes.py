"""Themes: words by the week, beside a plain count of what was asked."""

import re
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random

import pytest

from storage import Filters, Message, Outcome, Sender, SessionNotFound, Status, Store, Theme, Themes
from storage.themes import asked
from tests.conftest import Clock, Ledger
from tests.prompts import write_prompts

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TOPICS = ("lisbon", "parser", "sourdough", "orchestra", "volcano", "zeppelin")


@dataclass(frozen=True)
class Question:
    """A prompt as the test remembers it."""

    session: str
    day: date
    words: frozenset[str]


class Diary:
    """A store in which one asks on a day."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.ledger = Ledger(store)
        self._clock = clock

    def ask(self, week: int, prompt: str, session: str = "lisbon", *, day: int = 0, times: int = 1) -> int:
        """In a week counted from 0; gives the turn that came last."""
        turn = 0
        for number in range(times):
            self._clock.now = MONDAY + timedelta(weeks=week, days=day, hours=12, minutes=number)
            self.store.sessions.start("local", session)
            turn = self.ledger.turn(session, prompt).id
        return turn

    def ask_about(self, week: int, word: str, session: str = "lisbon") -> None:
        """Three different prompts, so that the word can be a theme."""
        for prompt in (f"Tell me of {word}", f"What about the {word}?", f"Is {word} nice?"):
            self.ask(week, prompt, session)

    def texts(self, session: str | None = None) -> list[str]:
        return texts(self.store.themes.find("local", session))


@pytest.fixture
def diary(store: Store, clock: Clock) -> Diary:
    return Diary(store, clock)


def texts(themes: Themes) -> list[str]:
    return [theme.text for theme in themes.themes]


@pytest.fixture
def lived(diary: Diary, clock: Clock) -> list[Question]:
    """Two hundred prompts over eleven weeks, in three sessions, whose topics change."""
    chance = Random(7)  # noqa: S311 - the same prompts each time
    found = []
    for number in range(200):
        week, session = number * 11 // 200, chance.choice("abc")
        topic = TOPICS[min(5, week // 2)] if chance.random() < 0.6 else chance.choice(TOPICS)
        words = [topic, f"thing{number}", f"other{number % 9}"]
        chance.shuffle(words)
        diary.ask(week, " ".join(words), session, day=chance.randrange(7))
        found.append(Question(session, clock.now.astimezone().date(), frozenset(words)))
    return found


def counted(themes: Themes, theme: Theme, questions: list[Question]) -> tuple[int, ...]:
    ends = [*(first - timedelta(days=1) for first in themes.weeks[1:]), themes.until]
    return tuple(
        sum({*theme.text.split()} <= one.words and first <= one.day <= last for one in questions)
        for first, last in zip(themes.weeks, ends, strict=True)
    )


RANGES = (
    (None, None),
    (date(2026, 3, 18), None),
    (date(2026, 3, 18), date(2026, 4, 28)),
    (None, date(2026, 4, 5)),
    (date(1950, 1, 1), date(2030, 1, 1)),
)


@pytest.mark.parametrize(("since", "until"), RANGES)
@pytest.mark.parametrize("session", [None, "b"])
def test_the_weeks_of_every_theme_are_those_of_a_plain_count(
    store: Store, lived: list[Question], since: date | None, until: date | None, session: str | None
) -> None:
    themes = store.themes.find("local", session, since=since, until=until)
    inside = [
        one
        for one in lived
        if session in {None, one.session} and themes.since <= one.day <= (until or date(9999, 1, 1))
    ]
    assert sum(themes.prompts) == len(inside)
    assert themes.share == 1
    assert themes.themes
    for theme in themes.themes:
        assert theme.counts == counted(themes, theme, inside)
        assert theme.total >= 3
    assert [first.weekday() for first in themes.weeks[1:]] == [0] * (len(themes.weeks) - 1)
    assert themes.weeks[0] == themes.since == max(since or min(one.day for one in lived), date(1970, 1, 1))


def test_what_is_asked_lately_rises_and_what_is_asked_no_more_falls(store: Store, lived: list[Question]) -> None:
    themes = store.themes.find("local")
    assert {theme.text for theme in themes.rising[:2]} == {"volcano", "zeppelin"}
    assert "lisbon" in {theme.text for theme in themes.falling}
    assert all(theme.rise > 0 for theme in themes.rising)
    assert themes.turning is not None
    late = sum(count for first, count in zip(themes.weeks, themes.prompts, strict=True) if first >= themes.turning)
    assert 50 <= late < 75
    assert {*themes.rising, *themes.falling, *themes.others} == {*themes.themes}


@pytest.fixture
def talks(store: Store, clock: Clock) -> Themes:
    write_prompts(store, clock, MONDAY)
    return store.themes.find("local", count=20)


def test_the_topics_of_many_languages_come_up_and_fade(talks: Themes) -> None:
    assert [theme.text for theme in talks.rising[:2]] == ["machine learning", "Steuererklärung"]
    assert {"Lisbon", "Rust", "parser"} <= {theme.text for theme in talks.falling}
    found = {*texts(talks)}
    assert {"Tomaten", "Hochbeet", "北京", "人工智能", "敬語", "京都", "борщ", "กรุงเทพ", "파이썬"} <= found


FILLERS = (
    "the what how is a to i in for of my do which it does can or when",
    "der die das und ich kann was wie ist im in oft muss wann mein neben das oder zu für vom",
    "что как на в для от по без или с из",
    "什么 怎么 要多 我想 一下",
    "ください ますか です について いつ",
)


@pytest.mark.parametrize("words", FILLERS)
def test_words_that_say_nothing_are_no_themes_in_any_language(talks: Themes, words: str) -> None:
    assert not {*words.split()} & {word for text in texts(talks) for word in text.casefold().split()}


def test_every_theme_is_found_by_a_search_for_it(store: Store, talks: Themes) -> None:
    for theme in talks.themes:
        found = store.search.find("local", f'"{theme.text}"', Filters(sender=Sender.HUMAN), count=500)
        assert not found.widened
        assert len(found.hits) == theme.total, theme.text


def test_what_is_nothing_in_another_language_may_be_a_theme(diary: Diary) -> None:
    for number, prompt in enumerate(("How do I fix the {}?", "Is my {} too old for that?", "What is a good {}?")):
        diary.ask(number, prompt.format("car"))  # French for “because”.
        diary.ask(number, prompt.format("Art"))
    assert {*diary.texts()} >= {"car", "Art"}


def test_a_word_that_is_said_all_the_time_is_no_theme_in_a_language_without_a_list(diary: Diary) -> None:
    for week, number in product(range(6), range(8)):
        topic = ("zim", "quud")[week > 3] if number % 2 else f"narf{week}{number}"
        diary.ask(week, f"florp grix{week}{number} {topic}")
    assert {*diary.texts()} == {"zim", "quud"}


def test_words_that_go_together_are_one_theme_and_filler_is_no_part_of_it(diary: Diary) -> None:
    for week, prompt in enumerate(
        ("What is a neural network?", "Train the neural network again", "Draw me that Neural-Network, please")
    ):
        diary.ask(week, prompt)
    assert diary.texts() == ["neural network"]
    for prompt in ("Is there a network?", "My network is down", "What is a good network?"):
        diary.ask(2, prompt)
    assert diary.texts() == ["network"]


def test_a_theme_is_written_as_most_prompts_write_it(diary: Diary) -> None:
    for week, prompt in enumerate(("Straße", "STRASSE", "Straße of a B", "und an der Straße")):
        diary.ask(week, f"{prompt} thing{week}")
    for prompt in ("Łódź Kaliska by bus", "lodz kaliska by night", "Łódź Kaliska in May"):
        diary.ask(1, prompt)
    assert {*diary.texts()} == {"Straße", "Łódź Kaliska"}


@pytest.mark.parametrize(
    "prompts",
    [
        ('Say "zeppelin" OR NOT', "NEAR(zeppelin, 3) AND *", "'zeppelin' -- ; DROP TABLE messages", "{zeppelin}:^"),
        ("zeppelin\n\nzeppelin", "zeppelin\u200b\u00ad!", "**zeppelin** `x`", "ZEPPELIN%_"),
    ],
)
def test_signs_that_mean_something_to_a_search_are_no_hindrance(diary: Diary, prompts: tuple[str, ...]) -> None:
    for week, prompt in enumerate(prompts):
        diary.ask(week, prompt)
    (theme,) = diary.store.themes.find("local").themes
    assert theme.text.lower() == "zeppelin"
    assert theme.counts == (1, 1, 1, 1)


def test_the_same_prompt_again_and_again_and_numbers_are_no_theme(diary: Diary) -> None:
    diary.ask(0, "zeppelin heartbeat", times=9)
    for number in range(5):
        diary.ask(1, f"2026 42 x {number} y")
    assert diary.texts() == []


def test_what_is_deleted_archived_or_of_others_is_no_theme(diary: Diary, store: Store) -> None:
    for session in ("kept", "deleted", "archived", "cleared"):
        diary.ask_about(0, f"{session}word", session)
    store.sessions.start("anna", "hers")
    for prompt in ("annasword one", "annasword two", "annasword three"):
        opened = store.turns.open(
            "anna", "hers", Message(Sender.HUMAN, prompt), model="echo", window=1, process_id=diary.ledger.process
        )
        store.turns.close(opened, Outcome(Status.COMPLETE))
    store.sessions.delete("local", "deleted")
    store.sessions.clear("local", "cleared")
    store.labels.archive("local", "archived")
    assert diary.texts() == ["keptword"]
    assert diary.texts("archived") == ["archivedword"]
    assert texts(store.themes.find("anna")) == ["annasword"]
    assert texts(store.themes.find("nobody")) == []
    with pytest.raises(SessionNotFound):
        store.themes.find("local", "hers")


def test_of_a_branch_that_was_left_nothing_counts_until_one_goes_back(diary: Diary, store: Store) -> None:
    first = diary.ask(0, "one harbour")
    for number in range(4):
        diary.ask(0, f"wrongword number{number}")
    opened = diary.ledger.open("lisbon", "another harbour", beside=first)
    store.turns.close(opened, Outcome(Status.COMPLETE))
    diary.ask_about(1, "rightword")
    for prompt in ("harbour three", "harbour four"):
        diary.ask(1, prompt)
    assert {*diary.texts()} == {"harbour", "rightword"}
    store.branches.switch("local", "lisbon", first)
    assert diary.texts() == ["wrongword"]


def test_of_many_branches_those_turns_count_that_are_on_the_path(diary: Diary, store: Store) -> None:
    chance = Random(3)  # noqa: S311 - the same tree each time
    for session in ("a", "b", "c"):
        turns = [diary.ask(0, f"{session} begin", session)]
        for number in range(60):
            beside = chance.choice(turns) if chance.random() < 0.3 else None
            opened = diary.ledger.open(session, f"{session}{number % 4}word unique{session}{number}", beside=beside)
            store.turns.close(opened, Outcome(Status.COMPLETE))
            turns.append(opened.id)
        store.branches.switch("local", session, chance.choice(turns))
    for one in (None, "a", "b", "c"):
        on_path = Counter(prompt.split()[0] for name in one or "abc" for prompt in diary.ledger.prompts(name))
        themes = store.themes.find("local", one, count=50)
        assert sum(themes.prompts) == on_path.total()
        assert {theme.text: theme.total for theme in themes.themes}.items() <= on_path.items()


def test_the_copies_of_a_fork_count_once_but_are_the_forks_own(diary: Diary, store: Store, clock: Clock) -> None:
    diary.ask_about(0, "harbour")
    clock.forward(days=14)
    store.branches.fork("local", "lisbon", "fork")
    (theme,) = store.themes.find("local").themes
    assert (theme.text, theme.counts) == ("harbour", (3, 0, 0))
    assert diary.texts("fork") == ["harbour"]


def test_a_prompt_that_is_still_being_answered_does_not_count(diary: Diary) -> None:
    diary.ask_about(0, "harbour")
    diary.ledger.open("lisbon", "harbour at night")
    (theme,) = diary.store.themes.find("local").themes
    assert theme.total == 3


def test_without_a_prompt_in_the_range_there_is_nothing(store: Store, diary: Diary, clock: Clock) -> None:
    today = clock.now.astimezone().date()
    empty = store.themes.find("local")
    assert (empty.weeks, empty.prompts, empty.themes, empty.turning) == ((today,), (0,), (), None)
    diary.ask_about(0, "harbour")
    for since, until in (
        (date(2020, 1, 1), date(2020, 2, 2)),
        (None, date(1900, 1, 1)),
        (date(2030, 1, 1), date(2030, 2, 1)),
        (date(2026, 5, 1), date(2026, 4, 1)),
        (date(1, 1, 1), date(1, 1, 1)),
        (date(9999, 12, 31), date(9999, 12, 31)),
    ):
        found = store.themes.find("local", since=since, until=until)
        assert (sum(found.prompts), found.themes, found.turning) == (0, (), None)
        assert len(found.prompts) == len(found.weeks)


def test_one_prompt_is_counted_and_makes_no_theme(store: Store, diary: Diary) -> None:
    diary.ask(0, "zeppelin")
    found = store.themes.find("local")
    assert (found.prompts[0], found.themes, found.turning) == (1, (), None)


def test_what_was_asked_before_the_clock_was_set_back_counts(store: Store, diary: Diary, clock: Clock) -> None:
    diary.ask_about(3, "harbour")
    diary.ask_about(1, "harbour")
    (theme,) = store.themes.find("local").themes
    assert theme.counts == (3, 0, 3)


def test_words_that_all_prompts_hold_neither_rise_nor_fall(store: Store, diary: Diary) -> None:
    for week in range(3):
        diary.ask_about(week, "harbour")
    (theme,) = store.themes.find("local").others
    assert (theme.text, theme.counts) == ("harbour", (3, 3, 3))


def test_a_week_begins_on_monday_by_the_clock_of_the_machine(
    store: Store, diary: Diary, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary.ask(0, "harbour one")
    clock.now = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)  # Sunday in London, Monday in Tokyo.
    diary.ledger.turn("lisbon", "harbour two")
    clock.now = datetime(2026, 3, 9, 12, tzinfo=UTC)
    diary.ledger.turn("lisbon", "harbour three")
    for zone, counts in (("Europe/London", (2, 1)), ("Asia/Tokyo", (1, 2))):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        found = store.themes.find("local")
        assert found.prompts == counts
        assert found.weeks == (date(2026, 3, 2), date(2026, 3, 9))
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "MOST", 60)


def test_of_many_prompts_an_even_share_is_read_and_said(store: Store, lived: list[Question], few: None) -> None:
    found = store.themes.find("local")
    assert found.share == pytest.approx(60 / 200, abs=0.001)
    assert sum(found.prompts) == pytest.approx(60, abs=10)
    whole = Counter((one.day - timedelta(days=one.day.weekday())) for one in lived)
    for first, prompts in zip(found.weeks, found.prompts, strict=True):
        assert prompts == pytest.approx(0.3 * whole[first], abs=4)
    assert found == store.themes.find("local")
    assert {*texts(found)} & {*TOPICS}
    one = store.themes.find("local", "b")
    assert one.share == pytest.approx(60 / sum(question.session == "b" for question in lived), abs=0.001)


def test_only_the_beginning_of_a_long_prompt_is_read(diary: Diary) -> None:
    for number in range(3):
        diary.ask(0, f"zeppelin {number}é " + " ".join(f"{number}w{place}" for place in range(400)) + " harbour")
    assert diary.texts() == ["zeppelin"]


def test_themes_are_words_and_no_marks(talks: Themes) -> None:
    assert all(re.fullmatch(r"[\w ’'-]+", theme.text.replace("ํ", "").replace("ุ", "")) for theme in talks.themes)
