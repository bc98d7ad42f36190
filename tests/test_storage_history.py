"""The chat message history for LangChain code, over the same tables."""

import asyncio
from typing import Any

import pytest
from langchain_core._api import suppress_langchain_deprecation_warning
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.history import RunnableWithMessageHistory

from agent import EchoModel
from storage import SessionBusy, Store
from storage.history import ChatMessageHistory
from tests.conftest import Ledger

CALL = AIMessage("", tool_calls=[{"name": "weather", "args": {"in": "Lisbon"}, "id": "1"}])
WHOLE: list[BaseMessage] = [
    SystemMessage("Be kind."),
    HumanMessage("Hello"),
    AIMessage("Hi"),
    SystemMessage("Be short."),
    HumanMessage("What is the weather in Lisbon?"),
    CALL,
    ToolMessage("Sunny", tool_call_id="1"),
    AIMessage("Sunny."),
]


def test_it_is_what_langchain_code_asks_for(store: Store) -> None:
    assert "SQLChatMessageHistory" in [kind.__name__ for kind in ChatMessageHistory.__mro__]
    assert ChatMessageHistory("lisbon", store).messages == []


def test_messages_come_back_as_they_were_added_and_in_order(store: Store) -> None:
    ChatMessageHistory("lisbon", store).add_messages(WHOLE)
    assert ChatMessageHistory("lisbon", store).messages == WHOLE


def test_each_human_message_opens_a_turn_and_system_messages_are_none(store: Store) -> None:
    ChatMessageHistory("lisbon", store).add_messages(WHOLE)

    turns = store.paths.page("local", "lisbon", 10)
    assert [(turn.prompt, turn.reply) for turn in turns] == [
        ("Hello", "Hi"),
        ("What is the weather in Lisbon?", "Sunny."),
    ]
    assert store.sessions.get("local", "lisbon").message_count == len(WHOLE)


def test_it_reads_the_active_path_of_a_chat(ledger: Ledger) -> None:
    ledger.turn(prompt="Hello", reply="Hi")
    old = ledger.turn(prompt="Old")
    ledger.turn(prompt="New", reply="Better", beside=old.id)
    messages = ChatMessageHistory("lisbon", ledger.store).messages
    assert [message.text for message in messages] == ["Hello", "Hi", "New", "Better"]


def test_it_writes_nothing_while_a_reply_runs(ledger: Ledger) -> None:
    ledger.open()
    with pytest.raises(SessionBusy):
        ChatMessageHistory("lisbon", ledger.store).add_messages([HumanMessage("Hello")])


def test_clearing_leaves_nothing_behind(store: Store) -> None:
    history = ChatMessageHistory("lisbon", store)
    history.add_messages(WHOLE)
    history.clear()
    assert history.messages == []
    assert store.usage.totals("local").messages == 0


def test_the_asynchronous_methods_do_the_same(store: Store) -> None:
    async def use() -> list[BaseMessage]:
        history = ChatMessageHistory("lisbon", store)
        await history.aadd_message(HumanMessage("Hello"))
        await history.aadd_messages([AIMessage("Hi")])
        messages = await history.aget_messages()
        await history.aclear()
        return messages + await history.aget_messages()

    assert asyncio.run(use()) == [HumanMessage("Hello"), AIMessage("Hi")]


def test_langchains_own_runnable_remembers_with_it(store: Store) -> None:
    with suppress_langchain_deprecation_warning():
        chain: Any = RunnableWithMessageHistory(EchoModel(), lambda session_id: ChatMessageHistory(session_id, store))
    config = RunnableConfig(configurable={"session_id": "lisbon"})
    chain.invoke([HumanMessage("Hello")], config)
    assert chain.invoke([HumanMessage("Again")], config).text == "You said: Again. I remember 3 messages."
    assert len(store.paths.page("local", "lisbon", 10)) == 2
