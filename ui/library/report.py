"""What came in of a file, or would: in words, with the sessions in a table."""

from pathlib import Path

import pandas as pd
import streamlit as st

from agent import Agent, Fate, Importing, Report, SessionNotFound, Taken
from ui.words import as_plain, count, in_order, title_of

NAMED = 20
"""As many are named of those that are busy or broken."""

ROW, ROWS = 35, 6
"""How high a row is, in pixels; how many are seen at a time."""

_PROGRAMS = {
    "windowseat": "Windowseat",
    "chatgpt": "ChatGPT",
    "claude": "Claude",
    "open-webui": "Open WebUI",
    "langchain": "LangChain's table",
}


def program_of(report: Report) -> str:
    return _PROGRAMS.get(report.kind.value, report.kind.value)


def name_of(job: Importing) -> str:
    """Of its file; an address may have a password in it."""
    return job.source.name if isinstance(job.source, Path) else "a database"


def draw_report(agent: Agent, report: Report) -> None:
    st.markdown(as_plain(str(report)))
    if report.sessions:
        _draw_sessions(report)
    if report.hidden:
        st.caption("Hidden messages are those that the other program showed to nobody.")
    if report.busy:
        st.warning(as_plain(_busy(agent, report)), icon=":material/pending:")
    if report.broken:
        _draw_broken(report)


def _draw_sessions(report: Report) -> None:
    listed = report.sessions
    st.dataframe(
        pd.DataFrame(
            {
                "Title": [in_order(taken.title) or "Without a title" for taken in listed],
                "Session": [_fate(taken) for taken in listed],
                "Messages": [taken.messages for taken in listed],
            }
        ),
        hide_index=True,
        column_config={
            "Title": st.column_config.TextColumn(width=150),
            "Session": st.column_config.TextColumn(width=65, help="A new one, or one that is here and grows"),
            "Messages": st.column_config.NumberColumn(width=80, format="localized"),
        },
        height=ROW * (min(len(listed), ROWS) + 1) + 3,
        alt=f"{count(len(listed), 'session')}, one a row",
    )
    if (every := report.new + report.grown) > len(listed):
        st.caption(f"The first {len(listed):,} of {every:,}.")


def _fate(taken: Taken) -> str:
    return "grows" if taken.fate is Fate.GROWN else "new"


def _busy(agent: Agent, report: Report) -> str:
    named = ", ".join(f"“{_title(agent, name)}”" for name in report.busy[:NAMED])
    more = f" and {report.busy_count - NAMED:,} more" if report.busy_count > NAMED else ""
    return f"A reply runs in {named}{more}: wait for it or stop it, then import the file again."


def _title(agent: Agent, session_id: str) -> str:
    try:
        return title_of(agent.find(session_id).session)
    except SessionNotFound:
        return session_id


def _draw_broken(report: Report) -> None:
    lines = [f"- {as_plain(broken.name)}: {as_plain(broken.reason)}" for broken in report.broken[:NAMED]]
    if (more := report.broken_count - len(lines)) > 0:
        lines.append(f"- and {more:,} more")
    with st.expander(f"{count(report.broken_count, 'conversation')} could not be read", icon=":material/warning:"):
        st.markdown("\n".join(lines))
