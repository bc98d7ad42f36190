"""WindowMemory: the last N whole turns, as middleware of LangChain 1.x."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from agent.context import Context
from agent.errors import SettingsInvalid
from agent.kept import KeptTurn
from storage import Status

if TYPE_CHECKING:
    from agent.agent import Agent

Answered = ModelResponse[Any]
Place = tuple[str, str]
ToolResult = ToolMessage | Command[Any]


class GivenContext(AgentMiddleware[Any, Context, Any]):
    """Puts the context of the run in front of each model call: a Conversation has chosen it."""

    async def awrap_model_call(
        self, request: ModelRequest[Context], handler: Callable[[ModelRequest[Context]], Awaitable[Answered]]
    ) -> Answered:
        context = request.runtime.context
        settings = request.model_settings | context.model_settings
        return await handler(request.override(messages=[*context.before, *request.messages], model_settings=settings))


class WindowMemory(AgentMiddleware[Any, Any, Any]):
    """Lets the model see the last `turns` whole turns before the prompt, and the prompt.

    In an agent of your own the turns are those of the agent's own messages:

        create_agent(model, middleware=[WindowMemory(3)], checkpointer=InMemorySaver())

    or, with an `agent`, those of its store, where each run is kept as a turn like any other:

        create_agent(model, tools, middleware=[WindowMemory(3, agent=windowseat, session_id="lisbon")])

    The session is `session_id`, or the run's `thread_id`. A checkpointer is not needed then, and does not harm: of its
    messages only the last prompt and what follows it count. The prompt is on the disk before the model is asked; a run
    that fails or is cancelled keeps its prompt and steps, and one that is left open is closed by the next prompt of its
    session. Put it first among the middleware, so that whatever asks a model twice does so inside of the turn.

    A turn is a human message and all that follows until the next one, so tool steps are never torn from theirs.
    It works in `invoke`, `stream` and their asynchronous twins.
    """

    def __init__(self, turns: int, *, agent: "Agent | None" = None, session_id: str | None = None) -> None:
        super().__init__()
        if turns < 0:
            raise ValueError(f"A window has 0 turns or more, not {turns}.")
        self.turns = turns
        self._agent = agent
        self._session_id = session_id
        self._open: dict[Place, KeptTurn] = {}

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Answered]) -> Answered:
        now = this_turn(request.messages)
        if self._agent is None or not now:
            return handler(self._cut(request))
        kept = self._kept(self._agent, request, now)
        with self._closed_on_error(now), kept.call(now[1:]):
            answered = handler(request.override(messages=[*kept.before, *now]))
        self._take_in(kept, now, answered)
        return answered

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Answered]]
    ) -> Answered:
        now = this_turn(request.messages)
        if self._agent is None or not now:
            return await handler(self._cut(request))
        kept = await asyncio.to_thread(self._kept, self._agent, request, now)
        with self._closed_on_error(now), kept.call(now[1:]), kept.cancelled_by_stop():
            answered = await handler(request.override(messages=[*kept.before, *now]))
        await asyncio.to_thread(self._take_in, kept, now, answered)
        return answered

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolResult]) -> ToolResult:
        now = this_turn(request.state["messages"])
        kept = self._open.get(self._place(now))
        if kept is None:
            return handler(request)
        with self._closed_on_error(now), kept.call(now[1:]):
            return handler(request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolResult]]
    ) -> ToolResult:
        now = this_turn(request.state["messages"])
        kept = self._open.get(self._place(now))
        if kept is None:
            return await handler(request)
        with self._closed_on_error(now), kept.call(now[1:]), kept.cancelled_by_stop():
            return await handler(request)

    def after_agent(self, state: Any, runtime: Any) -> None:
        """Close a turn whose last model call did not look like one."""
        if (kept := self._open.pop(self._place(this_turn(state["messages"])), None)) is not None:
            kept.close()

    async def aafter_agent(self, state: Any, runtime: Any) -> None:
        await asyncio.to_thread(self.after_agent, state, runtime)

    def _cut(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        return request.override(messages=last_turns(request.messages, self.turns))

    def _kept(self, agent: "Agent", request: ModelRequest[Any], now: list[Any]) -> KeptTurn:
        """The turn of this run, opened at its first model call. Runs of the session that were left are closed."""
        place = self._place(now)
        if place not in self._open:
            for other in [other for other in self._open if other[0] == place[0] and self._open[other].idle]:
                self._open.pop(other).close(Status.INTERRUPTED)
            self._open[place] = agent.conversation(place[0]).keep(now[0], request.model, self.turns)
        return self._open[place]

    def _place(self, now: list[Any]) -> "Place":
        """The session, and the prompt's name in it: LangGraph names every message of a run."""
        named = self._session_id or get_config().get("configurable", {}).get("thread_id")
        if self._agent is not None and named is None:
            raise SettingsInvalid(
                "WindowMemory does not know the session: give it session_id, or run the agent with a thread_id."
            )
        return str(named), str(now[0].id) if now else ""

    def _take_in(self, kept: KeptTurn, now: list[Any], answered: Answered) -> None:
        """Keep what the model said, and close the turn after its last word."""
        kept.take_in(answered.result)
        if not any(getattr(message, "tool_calls", None) for message in answered.result):
            self._open.pop(self._place(now), None)
            kept.close()

    @contextmanager
    def _closed_on_error(self, now: list[Any]) -> Iterator[None]:
        try:
            yield
        except GraphBubbleUp:  # The run pauses, to go on later.
            raise
        except BaseException as error:
            # Not on another thread: who is cancelled gets no second chance to wait.
            if (kept := self._open.pop(self._place(now), None)) is not None:
                kept.close(error=error)
            raise


def this_turn(messages: Sequence[BaseMessage]) -> list[Any]:
    """The last human message with what follows it."""
    return last_turns(messages, 0)


def last_turns(messages: Sequence[BaseMessage], turns: int) -> list[Any]:
    """The last human message with what follows it, and the `turns` whole turns before."""
    starts = [place for place, message in enumerate(messages) if isinstance(message, HumanMessage)]
    kept = starts[-(turns + 1) :]
    return list(messages[kept[0] :] if kept else messages)
