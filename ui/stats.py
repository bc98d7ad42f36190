"""Statistics: the owner's figures, this session's, and the turns of each day."""

import altair as alt
import pandas as pd
import streamlit as st

from agent import Agent, Conversation, DayUse, SessionNotFound, WindowseatError
from ui import state
from ui.times import ago
from ui.words import as_plain, title_of

DAYS = 30


def draw_stats(agent: Agent) -> None:
    st.header("Statistics", anchor=False)
    stats = agent.stats(DAYS)
    days = stats.used.days
    with st.container(horizontal=True):
        st.metric("Sessions", f"{stats.totals.sessions:,}", border=True)
        st.metric("Messages", f"{stats.totals.messages:,}", border=True)
        st.metric("Active in the last 24 hours", f"{stats.totals.recent_sessions:,}", border=True)
    st.subheader("Turns by day", anchor=False)
    if any(day.turns for day in days):
        st.altair_chart(_chart(days))
    else:
        st.caption(f"No turn in the last {DAYS} days.")
    _draw_session(agent)
    st.caption(f"Kept in {as_plain(agent.database)}")


def _draw_session(agent: Agent) -> None:
    try:
        chat = state.current(agent)
    except SessionNotFound:
        return
    if chat is None:
        return
    state.show_in_address(chat)
    session = chat.session
    st.subheader("This session", anchor=False)
    st.markdown(f"**{as_plain(title_of(session))}**")
    with st.container(horizontal=True):
        st.metric("Turns", f"{session.depth:,}", border=True)
        st.metric("Messages stored", f"{session.message_count:,}", border=True)
        st.metric("Turns the model sees", _seen(chat), border=True)
    st.caption(f"Begun {ago(session.created_at)}, last used {ago(session.last_activity)}")


def _seen(chat: Conversation) -> str:
    try:
        return f"{chat.view.turns:,}"
    except WindowseatError:
        return "–"


def _chart(days: tuple[DayUse, ...]) -> alt.Chart:
    data = pd.DataFrame({"Day": [pd.Timestamp(day.day) for day in days], "Turns": [day.turns for day in days]})
    chart: alt.Chart = (
        alt.Chart(data)
        .mark_bar(cornerRadiusTopLeft=3, cornerRadiusTopRight=3)
        .encode(
            x=alt.X("yearmonthdate(Day):T", title=None, axis=alt.Axis(format="%-d %b", grid=False)),
            y=alt.Y("Turns:Q", title=None, axis=alt.Axis(tickMinStep=1)),
            tooltip=[alt.Tooltip("Day:T", format="%A, %-d %B %Y"), "Turns:Q"],
        )
        .properties(height=220)
    )
    return chart
