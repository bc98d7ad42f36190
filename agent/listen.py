"""Hearing a model's tokens as they come, inside of LangChain's agent."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk


class Tokens(AsyncCallbackHandler):
    """Hands on each chunk in the moment it comes; `came` says whether any did.

    LangGraph's own stream of messages costs more than all the rest of a token: each goes through a queue and wakes the
    event loop by a system call.
    """

    run_inline = True

    def __init__(self, take: Callable[[AIMessage], None]) -> None:
        self.came = False
        self._take = take

    async def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        if isinstance(chunk, ChatGenerationChunk) and isinstance(chunk.message, AIMessage):
            self.came = True
            self._take(chunk.message)

    # A handler that has these two makes a model stream when it is invoked: LangChain looks for nothing else.
    def tap_output_aiter(self, run_id: object, output: AsyncIterator[Any]) -> AsyncIterator[Any]:
        return output

    def tap_output_iter(self, run_id: object, output: Iterator[Any]) -> Iterator[Any]:
        return output
