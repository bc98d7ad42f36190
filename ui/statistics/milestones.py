"""The first, the longest and the most, each with its day and the way to its session."""

import streamlit as st

from agent import Agent, Milestone, Reached
from ui import state
from ui.times import day_in_words, days_in_words
from ui.words import as_plain, as_title, count, shortened

TITLE = 28
"""Characters of a session's title on its button."""

NAMES = {
    Reached.FIRST_SESSION: "First session",
    Reached.LONGEST_SESSION: "Longest session",
    Reached.BUSIEST_DAY: "Busiest day",
    Reached.BUSIEST_WEEK: "Busiest week",
    Reached.LONGEST_STREAK: "Most days in a row",
}
NOUNS = {Reached.FIRST_SESSION: "message", Reached.LONGEST_SESSION: "message", Reached.LONGEST_STREAK: "day"}


def draw_milestones(agent: Agent) -> None:
    st.subheader("Milestones", anchor=False)
    reached = agent.milestones()
    if not reached:
        st.caption("They come with the first turn.")
    with st.grid(3, min_column_width=160):
        for milestone in reached:
            with st.container(border=True, gap="xxsmall", height="stretch"):
                _draw(milestone)


def _draw(milestone: Milestone) -> None:
    st.caption(NAMES.get(milestone.what) or f"{milestone.number:,}th turn")
    st.markdown(f"**{_days(milestone)}**")
    if milestone.what is not Reached.TURNS:
        st.caption(count(milestone.number, NOUNS.get(milestone.what, "turn")))
    if (session_id := milestone.session_id) is not None:
        st.button(
            as_plain(shortened(as_title(milestone.title or ""), TITLE)),
            key=f"milestone {milestone.what}",
            type="tertiary",
            wrap=False,
            icon=":material/arrow_forward:",
            on_click=lambda: state.choose(session_id),
        )


def _days(milestone: Milestone) -> str:
    if milestone.until is None:
        return day_in_words(milestone.day)
    return days_in_words(milestone.day, milestone.until)
