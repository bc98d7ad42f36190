"""LangChain's own ways to remember, on the same work: `python -m bench.peers` (`make bench-peers`).

Each remembers a conversation of N messages and answers one more prompt with the echo model and a window of ten turns.
"""

import sqlite3
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core._api import suppress_langchain_deprecation_warning
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables.history import RunnableWithMessageHistory
from langgraph.checkpoint.sqlite import SqliteSaver

from agent import Agent, EchoModel, Settings, WindowMemory
from agent.memory import last_turns
from bench.fill import PROMPT, REPLY
from bench.floor import Floor
from bench.store import interleaved
from storage import Message, Sender, Store

SIZES = (0, 100, 1_000)
WINDOW = 10
ROUNDS = 40


def run() -> None:
    print(f"\nA whole turn with echo, medians of {ROUNDS} interleaved rounds, in ms and x floor")
    names = ("floor", "Windowseat", "RunnableWithMessageHistory", "create_agent + SqliteSaver")
    print(f"{'messages before':>16} " + " ".join(f"{name:>27}" for name in names))
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            medians = _measure(Path(folder), size)
        shown = (f"{median:>18.3f} {median / medians[0]:>7.1f}x" for median in medians)
        print(f"{size:>16,} " + " ".join(shown))


def _measure(folder: Path, size: int) -> tuple[float, ...]:
    floor = Floor.on_sqlite(folder / "floor.db")
    floor.fill(1, sessions=1, length=size)
    url = f"sqlite:///{folder}/windowseat.db"
    with Store(url) as store:
        store.sessions.start("local", "sent")
        pair = [Message(Sender.HUMAN, PROMPT), Message(Sender.AI, REPLY)]
        store.turns.append("local", "sent", pair * (size // 2))
    settings = Settings.read(_env_file=None, database_url=url, model="echo", window_turns=WINDOW)
    saver_file = sqlite3.connect(folder / "saver.db", check_same_thread=False)
    with Agent(settings) as agent:
        chat = agent.conversation("sent")
        medians = interleaved(
            lambda: floor.turn(1, PROMPT, REPLY, WINDOW),
            lambda: chat.send(PROMPT),
            _runnable(folder, size),
            _saver(saver_file, size),
            rounds=ROUNDS,
        )
    floor.close()
    saver_file.close()
    return medians


def _runnable(folder: Path, size: int) -> Callable[[], object]:
    with warnings.catch_warnings(), suppress_langchain_deprecation_warning():
        warnings.simplefilter("ignore")
        from langchain_community.chat_message_histories import SQLChatMessageHistory  # noqa: PLC0415

        def history(session_id: str) -> Any:
            return SQLChatMessageHistory(session_id, connection=f"sqlite:///{folder}/langchain.db")

        history("sent").add_messages([HumanMessage(PROMPT), AIMessage(REPLY)] * (size // 2))
        trimmed: Any = (lambda messages: last_turns(messages, WINDOW)) | EchoModel()
        chain: Any = RunnableWithMessageHistory(trimmed, history)
    config = {"configurable": {"session_id": "sent"}}
    return lambda: chain.invoke([HumanMessage(PROMPT)], config)


def _saver(connection: sqlite3.Connection, size: int) -> Callable[[], object]:
    memory: Any = WindowMemory(WINDOW)
    graph: Any = create_agent(EchoModel(), middleware=[memory], checkpointer=SqliteSaver(connection))
    config = {"configurable": {"thread_id": "sent"}}
    # Each its own object: LangGraph takes the same one twice for one message.
    told = [message for _ in range(size // 2) for message in (HumanMessage(PROMPT), AIMessage(REPLY))]
    if told:
        graph.update_state(config, {"messages": told})
    return lambda: graph.invoke({"messages": [HumanMessage(PROMPT)]}, config)


if __name__ == "__main__":
    run()
