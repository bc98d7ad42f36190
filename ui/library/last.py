"""The last import that ended unseen, until somebody dismisses it: in one tab for all of its owner's."""

import streamlit as st

from agent import Agent, Importing
from ui.library.report import draw_report, name_of
from ui.words import as_plain


def draw_last(agent: Agent) -> None:
    """Where there is one."""
    job = agent.last_import
    if job is None:
        return
    with st.container(border=True):
        _draw_end(agent, job)
        if job.report.broken or job.report.busy:
            _draw_whole(agent, job)


def _draw_end(agent: Agent, job: Importing) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        name = f"Import of **{as_plain(name_of(job))}**"
        if job.failure:
            st.markdown(f"{name} broke off. Until then: {as_plain(str(job.report))}")
        else:
            st.markdown(f"{name}: {as_plain(str(job.report))}")
        st.button("Dismiss", key="dismiss import", type="tertiary", on_click=agent.forget_import, args=(job,))
    if job.failure:
        st.error(as_plain(job.failure), icon=":material/error:")


def _draw_whole(agent: Agent, job: Importing) -> None:
    with st.expander("The whole report", key=f"report of import {id(job)}", on_change="rerun") as folded:
        if folded.open:
            draw_report(agent, job.report)
