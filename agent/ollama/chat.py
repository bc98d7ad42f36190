"""A chat model on an Ollama server that notices when an answer breaks off."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import Field

from agent.errors import ModelLoading, ModelTimeout, ReplyTooLong, ReplyUnfinished
from agent.ollama.wire import certificates, langchain_ollama, translated

CONNECT_PATIENCE = 5.0
"""Seconds until a server that does not take the connection counts as not there."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a reply, in seconds: for its `first` sign, and from one piece to the `next`.

    The server holds its answer back until the model is loaded.
    """

    first: float = 600.0
    next: float = 120.0


class OllamaChat(langchain_ollama.ChatOllama):
    """ChatOllama that raises ModelError, waits for as long as is sensible, and insists on the stream's last line.

    ChatOllama itself ends as if nothing were wrong when a stream stops without `done`.
    """

    patience: Patience = Field(default_factory=Patience)

    @classmethod
    def on(cls, host: str, name: str, patience: Patience) -> "OllamaChat":
        """A chat model that uses the model `name` on the server at `host`."""
        timeout = httpx.Timeout(None, connect=CONNECT_PATIENCE)
        # httpx allows 100 connections by default: the 101st reply would wait for another to end.
        limits = httpx.Limits(max_connections=None)
        client = {"timeout": timeout, "limits": limits, "verify": certificates()}
        return cls(model=name, base_url=host, patience=patience, client_kwargs=client)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        done = False
        with translated(str(self.base_url), self.model):
            for chunk in super()._stream(messages, stop, run_manager, **kwargs):
                done = done or _is_last(chunk)
                yield chunk
        if not done:
            raise _unfinished(self.model)
        _check_end(chunk, self.model)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        patience, late = self.patience.first, self._not_begun
        async with aclosing(self._chunks(messages, stop, run_manager, **kwargs)) as chunks:
            while (chunk := await self._within(patience, chunks, late)) is not None:
                yield chunk
                if _is_last(chunk):
                    _check_end(chunk, self.model)
                    return
                patience, late = self.patience.next, self._fell_silent
        raise _unfinished(self.model)

    async def load(self, num_ctx: int, keep_alive: str | float | None = None) -> None:
        """Have the model in memory with this context length. Raises ModelError."""
        with translated(str(self.base_url), self.model):
            async with asyncio.timeout(self.patience.first):
                options = {"num_ctx": num_ctx}
                await self._async_client.generate(self.model, options=options, keep_alive=keep_alive)

    async def aclose(self) -> None:
        """Close the connections to the server, on the loop that used them."""
        self._client.close()  # type: ignore[no-untyped-call]
        await self._async_client.close()  # type: ignore[no-untyped-call]

    async def _within(
        self, patience: float, chunks: AsyncIterator[ChatGenerationChunk], late: Callable[[], ModelTimeout]
    ) -> ChatGenerationChunk | None:
        """The next chunk, None after the last. Raises ModelError."""
        try:
            with translated(str(self.base_url), self.model):
                async with asyncio.timeout(patience):
                    return await anext(chunks, None)
        except ModelTimeout as error:
            raise late() from error

    async def _chunks(self, *args: Any, **kwargs: Any) -> AsyncGenerator[ChatGenerationChunk, None]:
        async for chunk in super()._astream(*args, **kwargs):
            yield chunk

    def _convert_messages_to_ollama_messages(self, messages: list[BaseMessage]) -> Sequence[Any]:
        """The text of a prompt with images as it was written: ChatOllama begins it with a line break."""
        converted = super()._convert_messages_to_ollama_messages(messages)
        for message, sent in zip(messages, converted, strict=True):
            if not isinstance(message.content, str):
                sent["content"] = sent["content"].removeprefix("\n")
        return converted

    def _not_begun(self) -> ModelTimeout:
        return ModelLoading(
            f"{self.model} did not begin to answer within {self.patience.first:,g} seconds: it is still being loaded, "
            "or waits behind others. Try again later, or wait longer with WINDOWSEAT_FIRST_SECONDS."
        )

    def _fell_silent(self) -> ModelTimeout:
        return ModelTimeout(
            f"{self.model} said nothing for {self.patience.next:,g} seconds in the middle of its answer. What came is "
            "kept; continue it, or wait longer with WINDOWSEAT_NEXT_SECONDS."
        )


def _is_last(chunk: ChatGenerationChunk) -> bool:
    return (chunk.generation_info or {}).get("done") is True


def _check_end(last: ChatGenerationChunk, model: str) -> None:
    """Raise ReplyTooLong for an answer that the server ended before the model did."""
    if (last.generation_info or {}).get("done_reason") == "length":
        raise ReplyTooLong(
            f"{model} reached the end of its context, or of the length it may answer with, before the end of its "
            "answer. What came is kept; continue it, or make the window smaller."
        )


def _unfinished(model: str) -> ReplyUnfinished:
    return ReplyUnfinished(f"The answer of {model} broke off without its end. What came is kept; continue it.")
