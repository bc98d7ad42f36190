"""Drawing the page for a session of thousands of messages, beside one of thirty."""

import statistics
import tempfile
import time

from streamlit.testing.v1 import AppTest

from agent import Agent, Settings
from storage import Message, Sender, Store

SIZES = (30, 2_000, 20_000)
"""Messages in the session."""

ROUNDS = 30


def page(open_agent, session):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - AppTest runs its source alone
    import streamlit as st  # noqa: PLC0415

    from ui import draw  # noqa: PLC0415

    st.query_params["session"] = session
    draw(open_agent)


def run() -> None:
    print("\nDrawing the page (script run), medians of interleaved rounds, in ms and as a multiple of the first")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/windowseat.db"
        with Agent(Settings.read(_env_file=None, database_url=url, model="echo")) as agent, Store(url) as store:
            pages = [_page(agent, store, size) for size in SIZES]
            times: list[list[float]] = [[] for _ in SIZES]
            for _ in range(ROUNDS):
                for shown, taken in zip(pages, times, strict=True):
                    began = time.perf_counter()
                    shown.run()
                    taken.append(1000 * (time.perf_counter() - began))
            medians = [statistics.median(taken) for taken in times]
    for size, median in zip(SIZES, medians, strict=True):
        print(f"{size:>16,} {median:>9.1f} {median / medians[0]:>6.2f}x")


def _page(agent: Agent, store: Store, size: int) -> AppTest:
    session = f"of {size}"
    store.sessions.start("local", session)
    pair = [Message(Sender.HUMAN, "Where to in May? " * 5), Message(Sender.AI, "To *Lisbon*, I should say. " * 15)]
    store.turns.append("local", session, pair * (size // 2))
    shown = AppTest.from_function(page, args=(lambda: agent, session), default_timeout=20)
    shown.run()
    assert not shown.exception
    assert len(shown.chat_message) == 20
    return shown
