"""WindowMemory in anybody's LangChain agent."""

import asyncio
import sqlite3
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import NodeCancelledError
from langgraph.types import Command, interrupt

from agent import Agent, EchoModel, Receipt, RunStopped, SettingsInvalid, Status, Verdict, WindowMemory
from agent.memory import last_turns
from storage import sqlite

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
    heard = [ask(agent, str(number), asynchronous=asynchronous) for number in range(5)]
    assert heard[-1] == "You said: 4. I remember 5 messages."
    assert heard[1] == "You said: 1. I remember 3 messages."


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    if city == "Nowhere":
        raise LookupError("There is no such city.")
    return f"Sunny in {city}"


class Scripted(FakeMessagesListChatModel):
    """Answers with one message after another, and keeps what it was sent."""

    heard: list[list[BaseMessage]]

    def _generate(self, messages: list[BaseMessage], *more: Any, **named: Any) -> ChatResult:
        self.heard.append(list(messages))
        return super()._generate(messages, *more, **named)

    def bind_tools(self, *_: Any, **__: Any) -> "Scripted":
        return self


def calling(city: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "weather", "args": {"city": city}, "id": city}])


def scripted(*answers: AIMessage) -> Scripted:
    return Scripted(responses=[*answers], heard=[])


def ask(agent: Any, prompt: str, *, asynchronous: bool = False, thread: str = "lisbon") -> str:
    asked, config = {"messages": [HumanMessage(prompt)]}, {"configurable": {"thread_id": thread}}
    state = asyncio.run(agent.ainvoke(asked, config)) if asynchronous else agent.invoke(asked, config)
    return str(state["messages"][-1].text)


@pytest.mark.parametrize("asynchronous", [False, True])
class TestInSomebodysOwnAgent:
    def test_turns_are_kept_and_the_last_of_them_seen_without_a_checkpointer(
        self, agent: Agent, *, asynchronous: bool
    ) -> None:
        own: Any = create_agent(EchoModel(), middleware=[WindowMemory(2, agent=agent)])
        heard = [ask(own, str(number), asynchronous=asynchronous) for number in range(5)]
        assert heard[-1] == "You said: 4. I remember 5 messages."
        chat = agent.find("lisbon")
        assert [turn.prompt for turn in chat.turns(9)] == ["0", "1", "2", "3", "4"]
        turn = chat.turns(1)[0]
        assert (turn.reply, turn.status, turn.model) == (heard[-1], Status.COMPLETE, "EchoModel")
        receipt = Receipt.of(turn)
        assert receipt is not None
        assert (receipt.turns, receipt.beyond_window) == (2, 2)
        assert chat.send("And now?").text == "You said: And now?. I remember 11 messages."

    def test_a_checkpointers_messages_are_not_counted_twice(self, agent: Agent, *, asynchronous: bool) -> None:
        memory = WindowMemory(2, agent=agent, session_id="porto")
        own: Any = create_agent(EchoModel(), middleware=[memory], checkpointer=InMemorySaver())
        heard = [ask(own, str(number), asynchronous=asynchronous) for number in range(4)]
        assert heard[-1] == "You said: 3. I remember 5 messages."
        assert len(agent.find("porto").turns(9)) == 4

    def test_tool_steps_belong_to_their_turn_and_come_back_with_it(self, agent: Agent, *, asynchronous: bool) -> None:
        model = scripted(calling("Lisbon"), AIMessage("Sunny, then."), AIMessage("Take a hat."))
        own: Any = create_agent(model, [weather], middleware=[WindowMemory(1, agent=agent)])
        ask(own, "How is it?", asynchronous=asynchronous)
        ask(own, "What to pack?", asynchronous=asynchronous)
        first, second = agent.find("lisbon").turns(2)
        assert [message.sender for message in first.messages] == ["Human", "AI", "Tool", "AI"]
        assert (first.reply, second.reply) == ("Sunny, then.", "Take a hat.")
        kinds = [message.type for message in model.heard[-1]]
        assert kinds == ["human", "ai", "tool", "ai", "human"]
        context = agent.find("lisbon").context(second.id)
        assert context is not None
        assert [message.type for message in context.messages] == kinds
        assert [message.content for message in context.messages] == [message.content for message in model.heard[-1]]

    def test_a_tool_that_raises_ends_the_turn_with_the_steps_so_far(self, agent: Agent, *, asynchronous: bool) -> None:
        own: Any = create_agent(scripted(calling("Nowhere")), [weather], middleware=[WindowMemory(1, agent=agent)])
        with pytest.raises(LookupError):
            ask(own, "How is it?", asynchronous=asynchronous)
        (turn,) = agent.find("lisbon").turns(1)
        assert (turn.status, turn.error) == (Status.FAILED, "There is no such city.")
        assert [message.sender for message in turn.messages] == ["Human", "AI"]
        assert agent.find("lisbon").send("Hello").status is Status.COMPLETE

    def test_a_model_that_raises_keeps_the_prompt(self, agent: Agent, *, asynchronous: bool) -> None:
        own: Any = create_agent(Broken(responses=[]), middleware=[WindowMemory(1, agent=agent)])
        with pytest.raises(RuntimeError, match="No power"):
            ask(own, "Hello", asynchronous=asynchronous)
        (turn,) = agent.find("lisbon").turns(1)
        assert (turn.prompt, turn.status, turn.error) == ("Hello", Status.FAILED, "No power.")

    def test_a_run_without_a_name_for_its_session_says_what_to_give(self, agent: Agent, *, asynchronous: bool) -> None:
        own: Any = create_agent(EchoModel(), middleware=[WindowMemory(1, agent=agent)])
        asked = {"messages": [HumanMessage("Hello")]}
        with pytest.raises(SettingsInvalid, match="give it session_id"):
            asyncio.run(own.ainvoke(asked)) if asynchronous else own.invoke(asked)


class Broken(FakeMessagesListChatModel):
    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise RuntimeError("No power.")


def test_a_run_of_somebodys_own_agent_is_seen_and_stopped_from_outside(agent: Agent) -> None:
    slow = EchoModel(words_per_second=1)
    own: Any = create_agent(slow, middleware=[WindowMemory(1, agent=agent, session_id="lisbon")])
    chat = agent.conversation("lisbon")

    async def run() -> None:
        asked = {"messages": [HumanMessage("word " * 50)]}
        async for _ in own.astream(asked, stream_mode="messages"):
            running = await asyncio.to_thread(lambda: chat.running)
            assert running is not None
            running.stop()

    with pytest.raises((asyncio.CancelledError, NodeCancelledError)):
        asyncio.run(run())
    (turn,) = chat.turns(1)
    assert turn.status is Status.STOPPED


def test_text_streams_from_somebodys_own_agent_as_ever(agent: Agent) -> None:
    own: Any = create_agent(EchoModel(), middleware=[WindowMemory(1, agent=agent, session_id="lisbon")])

    async def run() -> list[str]:
        asked = {"messages": [HumanMessage("Hello")]}
        return [chunk.text async for chunk, _ in own.astream(asked, stream_mode="messages")]

    assert "".join(asyncio.run(run())) == agent.find("lisbon").turns(1)[0].reply


class TestRunsThatEndOtherwise:
    """However somebody's own run ends, its session is free again and nothing is lost or told to another."""

    def test_a_run_that_is_left_is_closed_by_a_stop_and_by_the_next_prompt(self, agent: Agent) -> None:
        model = scripted(calling("Lisbon"), AIMessage("Sunny."))
        own: Any = create_agent(model, [weather], middleware=[WindowMemory(1, agent=agent)])
        config = {"configurable": {"thread_id": "lisbon"}}
        for _ in own.stream({"messages": [HumanMessage("Left")]}, config, stream_mode="updates"):
            break
        left = agent.find("lisbon").running
        assert left is not None
        left.stop()
        assert left.wait_for_end(2)
        assert agent.find("lisbon").turns(1)[0].status is Status.STOPPED

        model.i = 0
        for _ in own.stream({"messages": [HumanMessage("Left again")]}, config, stream_mode="updates"):
            break
        model.i = 1
        assert ask(own, "And now?") == "Sunny."
        kept = agent.find("lisbon").turns(3)
        assert [(turn.prompt, turn.status) for turn in kept] == [
            ("Left", Status.STOPPED),
            ("Left again", Status.INTERRUPTED),
            ("And now?", Status.COMPLETE),
        ]

    def test_a_run_that_pauses_for_a_person_goes_on_in_its_turn(self, agent: Agent) -> None:
        own: Any = create_agent(
            scripted(calling("Lisbon"), AIMessage("Sunny.")),
            [asking],
            middleware=[WindowMemory(1, agent=agent)],
            checkpointer=InMemorySaver(),
        )
        config = {"configurable": {"thread_id": "lisbon"}}
        own.invoke({"messages": [HumanMessage("How is it?")]}, config)
        assert agent.find("lisbon").running is not None
        own.invoke(Command(resume="yes"), config)
        (turn,) = agent.find("lisbon").turns(9)
        assert (turn.status, turn.reply) == (Status.COMPLETE, "Sunny.")
        assert [message.sender for message in turn.messages] == ["Human", "AI", "Tool", "AI"]

    def test_messages_of_the_same_name_in_two_threads_are_told_apart(self, agent: Agent) -> None:
        model = scripted(calling("Lisbon"), AIMessage("Hello B."))
        own: Any = create_agent(model, [weather], middleware=[WindowMemory(1, agent=agent)])
        for _ in own.stream(
            {"messages": [HumanMessage("Secret of A", id="1")]},
            {"configurable": {"thread_id": "A"}},
            stream_mode="updates",
        ):
            break
        own.invoke({"messages": [HumanMessage("Hello", id="1")]}, {"configurable": {"thread_id": "B"}})
        assert [message.text for message in model.heard[-1]] == ["Hello"]
        assert agent.find("B").turns(1)[0].prompt == "Hello"

    def test_a_tool_with_an_artifact_and_a_prompt_of_an_image_are_kept(self, agent: Agent) -> None:
        own: Any = create_agent(
            scripted(calling("Lisbon"), AIMessage("Sunny.")), [mapping], middleware=[WindowMemory(1, agent=agent)]
        )
        picture = HumanMessage([{"type": "image", "base64": "aGk=", "mime_type": "image/png"}])
        own.invoke({"messages": [picture]}, {"configurable": {"thread_id": "lisbon"}})
        (turn,) = agent.find("lisbon").turns(1)
        assert (turn.status, turn.reply) == (Status.COMPLETE, "Sunny.")
        assert agent.find("lisbon").regenerate(turn.id).finish().status is Status.COMPLETE

    def test_calls_that_no_tool_answered_are_not_sent_again(self, agent: Agent) -> None:
        asked = AIMessage("Let me look.", tool_calls=calling("Nowhere").tool_calls)
        model = scripted(asked, AIMessage("Well."))
        own: Any = create_agent(model, [weather], middleware=[WindowMemory(1, agent=agent)])
        with pytest.raises(LookupError):
            ask(own, "How is it?")
        ask(own, "And now?")
        assert [message.text for message in model.heard[-1]] == [
            "How is it?",
            "Let me look.\n\n[This reply was cut off here.]",
            "And now?",
        ]
        assert not any(message.tool_calls for message in model.heard[-1] if isinstance(message, AIMessage))

    def test_a_reply_that_the_store_cannot_take_yet_is_kept_in_the_end(
        self, make_agent: Any, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite, "LOCK_PATIENCE", 0.1)
        agent = make_agent()
        locked = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        own: Any = create_agent(
            Locking(responses=[AIMessage("Sunny.")], other=locked), middleware=[WindowMemory(1, agent=agent)]
        )
        assert ask(own, "How is it?") == "Sunny."
        running = agent.find("lisbon").running
        locked.execute("ROLLBACK")
        locked.close()
        assert running is None or running.wait_for_end(5)
        assert agent.find("lisbon").turns(1)[0].reply == "Sunny."

    def test_a_synchronous_run_that_was_stopped_calls_its_model_no_more(self, agent: Agent) -> None:
        model = scripted(calling("stop"), AIMessage("Never."))

        @tool
        def weather(city: str) -> str:
            """Stops the turn that asks."""
            running = agent.find("lisbon").running
            assert running is not None
            running.stop()
            return "Stopped"

        own: Any = create_agent(model, [weather], middleware=[WindowMemory(1, agent=agent)])
        with pytest.raises(RunStopped):
            ask(own, "How is it?")
        assert len(model.heard) == 1
        (turn,) = agent.find("lisbon").turns(1)
        assert turn.status is Status.STOPPED
        assert [message.sender for message in turn.messages] == ["Human", "AI", "Tool"]

    def test_what_several_calls_cost_is_no_verdict_on_the_first(self, agent: Agent) -> None:
        costs = {"input_tokens": 3000, "output_tokens": 10, "total_tokens": 3010}
        answers = [calling("Lisbon"), calling("Porto"), AIMessage("Sunny.")]
        for answer in answers:
            answer.usage_metadata = costs  # type: ignore[assignment]
        model = scripted(*answers)
        model.profile = {"max_input_tokens": 8192}
        ask(create_agent(model, [weather], middleware=[WindowMemory(1, agent=agent)]), "How is it?")
        (turn,) = agent.find("lisbon").turns(1)
        receipt = Receipt.of(turn)
        assert turn.input_tokens == 9000
        assert receipt is not None
        assert (receipt.verdict, receipt.own_agent) == (Verdict.UNKNOWN, True)


@tool
def asking(city: str) -> str:
    """Asks a person first."""
    return f"Sunny, since you say {interrupt('Really?')}"


asking.name = "weather"


@tool(response_format="content_and_artifact")
def mapping(city: str) -> tuple[str, object]:
    """Gives more than words."""
    return "Sunny", object()


mapping.name = "weather"


class Locking(FakeMessagesListChatModel):
    """Leaves the database locked when it has answered."""

    other: Any

    def _generate(self, *arguments: Any, **named: Any) -> ChatResult:
        self.other.execute("BEGIN IMMEDIATE")
        return super()._generate(*arguments, **named)
