"""WindowMemory: the last N whole turns, as middleware of LangChain 1.x."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import BaseMessage, HumanMessage

from agent.context import Context


class WindowMemory(AgentMiddleware[Any, Context | None, Any]):
    """Lets the model see the last `turns` whole turns before the prompt, and the prompt.

    A Conversation hands the turns in, as the `context` of the run, and they come in front of each model call.
    In an agent of your own, without such a context, the turns are those of the agent's own messages:

        create_agent(model, middleware=[WindowMemory(turns=3)], checkpointer=InMemorySaver())

    A turn is a human message and all that follows until the next one, so tool steps are never torn from theirs.
    """

    def __init__(self, turns: int) -> None:
        super().__init__()
        if turns < 0:
            raise ValueError(f"A window has 0 turns or more, not {turns}.")
        self.turns = turns

    def wrap_model_call(
        self,
        request: ModelRequest[Context | None],
        handler: Callable[[ModelRequest[Context | None]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        return handler(self._seen(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Context | None],
        handler: Callable[[ModelRequest[Context | None]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        return await handler(self._seen(request))

    def _seen(self, request: ModelRequest[Context | None]) -> ModelRequest[Context | None]:
        context = request.runtime.context
        if context is not None:
            settings = request.model_settings | context.model_settings
            return request.override(messages=[*context.before, *request.messages], model_settings=settings)
        return request.override(messages=last_turns(request.messages, self.turns))


def last_turns(messages: Sequence[BaseMessage], turns: int) -> list[Any]:
    """The last human message with what follows it, and the `turns` whole turns before."""
    starts = [place for place, message in enumerate(messages) if isinstance(message, HumanMessage)]
    kept = starts[-(turns + 1) :]
    return list(messages[kept[0] :] if kept else messages)
