"""The page: `streamlit run streamlit_app.py` serves it."""

import atexit

import streamlit as st

from agent import Agent, collect_seldom
from ui import draw


@st.cache_resource(show_spinner=False)
def open_agent() -> Agent:
    """One agent for the process, made when the first page is drawn and closed when the process ends."""
    collect_seldom()
    agent = Agent()
    atexit.register(agent.close)
    return agent


draw(open_agent)
