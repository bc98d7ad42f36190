"""Statistics: what was used in a range of days, by all sessions or by one, and what is stored now."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from agent import Agent, Conversation, Figures, SessionNotFound, Spread, Totals, WindowseatError
from ui import state
from ui.statistics.look import Look, themes_of
from ui.statistics.milestones import draw_milestones
from ui.times import ago
from ui.words import as_plain, count, seconds, title_of

EVER, OTHER = "Everything", "Other days"
RANGES = {"7 days": 7, "30 days": 30, "12 months": 365, EVER: None, OTHER: None}
USUAL = "30 days"
ALL, ONE = "All sessions", "This session"
THEMES = "Themes"
RANGE, SCOPE, DAYS, PART = "range", "scope", "days", "figures"
"""Keys, which are names in the address too."""

BEGUN = "Sessions begun"
"""Which says nothing of a single one."""

COUNTING = (
    "A turn counts on the day and in the hour in which it ended, by the clock of the machine that ran it, and still "
    "counts when its session is deleted. 95 %, the 95th percentile, says that 95 of 100 took no longer; it and the "
    "median are estimates: of many turns within 1 %, of a few within a fifth."
)
SHORT = 19, 8
"""How many characters of label and figure have room where two cards stand beside each other on a phone."""

FIRST_DAY = date(1970, 1, 1)
FEW_SECONDS = timedelta(seconds=0.1)

Labelled = dict[str, str]
"""Figures in words, each with what it is a figure of."""

Days = tuple[date | None, date | None]
"""The first and the last one; None where nothing bounds them."""


def draw_statistics(agent: Agent) -> None:
    st.header("Statistics", anchor=False)
    chat = _current(agent)
    with st.container(horizontal=True):
        scope = _choose_scope(chat)
        chosen = _choose_range()
    since, until = _days(chosen)
    one = chat if scope == ONE else None
    if one is not None:
        _draw_session(one)
    stats = agent.stats(since=since, until=until, session=one.session_id if one else None)
    look = Look(since, until, stats.totals, *((one.session_id, one.session.head_id) if one else ()))
    _draw_parts(agent, stats.used, look, scope)
    _draw_stored(stats.totals)
    draw_milestones(agent)
    st.caption(f"Kept in {as_plain(agent.database)}")
    st.caption(COUNTING)


def _current(agent: Agent) -> Conversation | None:
    try:
        chat = state.current(agent)
    except SessionNotFound as error:
        st.warning(as_plain(f"{error} These are the figures of all sessions."), icon=":material/search_off:")
        return None
    if chat is not None:
        state.show_in_address(chat)
    return chat


def _choose_scope(chat: Conversation | None) -> str:
    return ALL if chat is None else _choose("Sessions", [ALL, ONE], ALL, SCOPE)


def _choose_range() -> str:
    return _choose("Range", list(RANGES), USUAL, RANGE)


def _choose(label: str, options: list[str], usual: str, key: str) -> str:
    chosen = st.segmented_control(
        label,
        options,
        default=usual,
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    return chosen or usual


def _days(chosen: str) -> Days:
    today = datetime.now(UTC).astimezone().date()
    if chosen == OTHER:
        return _choose_others(today)
    days = RANGES[chosen]
    return (None if days is None else _days_before(today, days)), None


def _choose_others(today: date) -> Days:
    """Until the last one is chosen too, the first stands alone."""
    chosen = st.date_input(
        "First and last day",
        (_days_before(today, 30), today),
        min_value=FIRST_DAY,
        max_value=today,
        key=DAYS,
        bind="query-params",
        format="YYYY-MM-DD",
        width=320,
    )
    days = chosen if isinstance(chosen, tuple) else (chosen,)
    return (days[0], days[-1]) if days else (None, None)


def _days_before(today: date, days: int) -> date:
    """The first of so many days, of which today is the last."""
    return today - timedelta(days=days - 1)


def _draw_session(chat: Conversation) -> None:
    session = chat.session
    st.subheader(as_plain(title_of(session)), anchor=False)
    held = f"{count(session.message_count, 'message')} stored, {count(session.depth, 'turn')} on the path"
    begun = f"Begun {ago(session.created_at)}, last used {ago(session.last_activity)}"
    st.caption(f"{begun}. {held}{_seen(chat)}.")


def _seen(chat: Conversation) -> str:
    try:
        return f", {chat.view.turns:,} of them seen by the model"
    except WindowseatError:
        return ""


def _draw_parts(agent: Agent, used: Figures, look: Look, scope: str) -> None:
    *tabs, of_themes = st.tabs([*PARTS, THEMES], key=PART, bind="query-params")
    for tab, (part, figures) in zip(tabs, PARTS.items(), strict=True):
        if tab.open:
            with tab:
                _draw_figures({what: figure for what, figure in figures(used).items() if scope == ALL or what != BEGUN})
                _draw_pictures(part, used, scope)
    if of_themes.open:
        with of_themes:
            _draw_themes(agent, look, scope)


def _draw_themes(agent: Agent, look: Look, scope: str) -> None:
    from ui.statistics.themes import draw_themes  # noqa: PLC0415 - as below

    themes = themes_of(agent, look)
    draw_themes(agent, themes, f"{scope} {themes.since} to {themes.until}", one=scope == ONE)


def _draw_pictures(part: str, used: Figures, scope: str) -> None:
    from ui.statistics.charts import draw_picture  # noqa: PLC0415 - half a second that the chat can do without
    from ui.statistics.data import PICTURES  # noqa: PLC0415

    for picture in PICTURES[part]:
        draw_picture(picture(used), f"{scope} {used.since} to {used.until}")


def _activity(used: Figures) -> Labelled:
    tally = used.tally
    counts = {
        BEGUN: tally.sessions,
        "Turns": tally.turns,
        "Messages": tally.messages,
        "Stopped": tally.stopped,
        "Failed": tally.failed,
        "Interrupted": tally.interrupted,
    }
    return {what: f"{number:,}" for what, number in counts.items()}


def _tokens(used: Figures) -> Labelled:
    return {"Tokens in": f"{used.tally.input_tokens:,}", "Tokens out": f"{used.tally.output_tokens:,}"}


def _speed(used: Figures) -> Labelled:
    speed = used.tally.tokens_per_second
    written = {"Tokens a second": "–" if speed is None else f"{speed:,.1f}"}
    return written | _times("First text", used.first_text) | _times("Whole reply", used.duration)


def _lengths(used: Figures) -> Labelled:
    tally = used.tally
    totals = {"prompt": tally.prompt_characters, "reply": tally.reply_characters}
    return {
        f"Characters a {what}": f"{total / tally.turns:,.0f}" if tally.turns else "–" for what, total in totals.items()
    }


PARTS: dict[str, Callable[[Figures], Labelled]] = {
    "Activity": _activity,
    "Tokens": _tokens,
    "Speed": _speed,
    "Lengths": _lengths,
}


def _times(what: str, taken: Spread) -> Labelled:
    return {f"{what}, median": _in_words(taken.median), f"{what}, 95 %": _in_words(taken.p95)}


def _in_words(taken: timedelta | None) -> str:
    if taken is None:
        return "–"
    return seconds(taken) if taken >= FEW_SECONDS else f"{taken / timedelta(milliseconds=1):.0f} ms"


def _draw_stored(totals: Totals) -> None:
    st.subheader("Stored now", anchor=False)
    counts = {"Sessions": totals.sessions, "Messages": totals.messages, "Used in 24 hours": totals.recent_sessions}
    _draw_figures({what: f"{number:,}" for what, number in counts.items()})


def _draw_figures(figures: Labelled) -> None:
    short = all(len(what) <= SHORT[0] and len(figure) <= SHORT[1] for what, figure in figures.items())
    with st.grid(3, min_column_width=150 if short else 220):
        for what, figure in figures.items():
            st.metric(what, figure, border=True)
