"""WindowMemory in anybody's LangChain agent."""

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from agent import EchoModel, WindowMemory
from agent.memory import last_turns

CALL = AIMessage("", tool_calls=[{"name": "weather", "args": {}, "id": "1"}])
TALK = [
    HumanMessage("one"),
    AIMessage("1"),
    HumanMessage("two"),
    CALL,
    ToolMessage("Sunny", tool_call_id="1"),
    AIMessage("2"),
    HumanMessage("three"),
]


@pytest.mark.parametrize(("turns", "first"), [(0, 6), (1, 2), (2, 0), (9, 0)])
def test_whole_turns_are_counted_and_tool_steps_stay_with_theirs(turns: int, first: int) -> None:
    assert last_turns(TALK, turns) == TALK[first:]


def test_nothing_is_left_out_before_the_first_prompt() -> None:
    assert last_turns([AIMessage("Welcome")], 1) == [AIMessage("Welcome")]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_agent_with_it_sees_the_last_turns_and_no_more(*, asynchronous: bool) -> None:
    memory: Any = WindowMemory(turns=2)
    agent: Any = create_agent(EchoModel(), middleware=[memory], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "lisbon"}}

    def ask(prompt: str) -> str:
        asked = {"messages": [HumanMessage(prompt)]}
        state = asyncio.run(agent.ainvoke(asked, config)) if asynchronous else agent.invoke(asked, config)
        return str(state["messages"][-1].text)

    heard = [ask(str(number)) for number in range(5)]
    assert heard[-1] == "You said: 4. I remember 5 messages."
    assert heard[1] == "You said: 1. I remember 3 messages."
