"""Ollama: which models its server has, and a chat model that notices when an answer breaks off."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

# The package reads the variable at its import and falls over a malformed one; our settings say what is wrong with it.
_said = os.environ.pop("OLLAMA_HOST", None)
try:
    import ollama
    from langchain_ollama import ChatOllama
finally:
    if _said is not None:
        os.environ["OLLAMA_HOST"] = _said

from agent.errors import (  # noqa: E402 - the import above needs the variable out of its way
    ModelError,
    ModelFailed,
    ModelTimeout,
    ModelUnavailable,
    ModelUnknown,
    ReplyCut,
)

CONNECT_PATIENCE = 5.0
"""Seconds until a server that does not take the connection counts as not there."""

FIRST_PATIENCE = 600.0
"""Seconds until the first sign of a reply: the server holds its answer back until the model is loaded."""

NEXT_PATIENCE = 120.0
"""Seconds from one piece of a reply to the next."""

LOOK_PATIENCE = 1.0
"""Seconds for a question about the server itself."""


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model on the server's disk. `name` is as Ollama writes it, such as `llama3.2:3b`; `size` in bytes."""

    name: str
    size: int
    changed_at: datetime


class OllamaServer:
    """Questions about the server, each answered within LOOK_PATIENCE. All of them raise ModelError.

    Whoever makes it closes it.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self._client = ollama.Client(host=host, timeout=LOOK_PATIENCE)
        self._chats: dict[tuple[str, datetime], bool] = {}

    def chat_models(self) -> tuple[OllamaModel, ...]:
        """The models that can chat, the most recently changed first."""
        with _translated(self.host, ""):
            listed = self._client.list().models
        models = [
            OllamaModel(model.model or "", int(model.size or 0), model.modified_at or datetime.fromtimestamp(0, UTC))
            for model in listed
        ]
        newest = sorted(models, key=lambda model: model.changed_at, reverse=True)
        self._learn([model for model in newest if _state(model) not in self._chats])
        return tuple(model for model in newest if self._chats.get(_state(model), True))

    def is_loaded(self, name: str) -> bool:
        with _translated(self.host, name):
            full = name if ":" in name else f"{name}:latest"
            return any(model.model == full for model in self._client.ps().models)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _learn(self, models: list[OllamaModel]) -> None:
        """Ask which of them can chat, all at once. One whose answer is late or an error may, until asked again."""
        threads = ThreadPoolExecutor(8, thread_name_prefix="windowseat-ollama")
        asked = {threads.submit(self._can_chat, model): model for model in models}
        answered, _ = wait(asked, timeout=LOOK_PATIENCE)
        threads.shutdown(wait=False, cancel_futures=True)
        for answer in answered:
            if answer.exception() is None:
                self._chats[_state(asked[answer])] = answer.result()

    def _can_chat(self, model: OllamaModel) -> bool:
        """Servers before 0.6.4 don't say, and then it may."""
        with _translated(self.host, model.name):
            capabilities = self._client.show(model.name).capabilities
        return capabilities is None or "completion" in capabilities


def _state(model: OllamaModel) -> tuple[str, datetime]:
    """What a model is asked about once: its name, and when it was changed."""
    return model.name, model.changed_at


class OllamaChat(ChatOllama):
    """ChatOllama that raises ModelError, waits for as long as is sensible, and insists on the stream's last line.

    ChatOllama itself ends as if nothing were wrong when a stream stops without `done`.
    """

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        done = False
        with _translated(str(self.base_url), self.model):
            for chunk in super()._stream(messages, stop, run_manager, **kwargs):
                done = done or _is_last(chunk)
                yield chunk
        if not done:
            raise _cut(self.model)
        _check_end(chunk, self.model)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        done, chunk = False, None
        patience = FIRST_PATIENCE
        async with aclosing(self._chunks(messages, stop, run_manager, **kwargs)) as chunks:
            while not done:
                with _translated(str(self.base_url), self.model):
                    async with asyncio.timeout(patience):
                        chunk = await anext(chunks, None)
                if chunk is None:
                    raise _cut(self.model)
                done = _is_last(chunk)
                patience = NEXT_PATIENCE
                yield chunk
        if chunk is not None:
            _check_end(chunk, self.model)

    async def aclose(self) -> None:
        """Close the connections to the server, on the loop that used them."""
        self._client.close()  # type: ignore[no-untyped-call]
        await self._async_client.close()  # type: ignore[no-untyped-call]

    async def _chunks(self, *args: Any, **kwargs: Any) -> AsyncGenerator[ChatGenerationChunk, None]:
        async for chunk in super()._astream(*args, **kwargs):
            yield chunk


def ollama_chat(host: str, name: str) -> OllamaChat:
    """A chat model that uses the model `name` on the server at `host`."""
    timeout = httpx.Timeout(None, connect=CONNECT_PATIENCE)
    # httpx allows 100 connections by default: the 101st reply would wait for another to end.
    limits = httpx.Limits(max_connections=None)
    return OllamaChat(model=name, base_url=host, client_kwargs={"timeout": timeout, "limits": limits})


def _is_last(chunk: ChatGenerationChunk) -> bool:
    return (chunk.generation_info or {}).get("done") is True


def _check_end(last: ChatGenerationChunk, model: str) -> None:
    """Raise ReplyCut for an answer that the server ended before the model did."""
    if (last.generation_info or {}).get("done_reason") == "length":
        raise ReplyCut(
            f"{model} reached the end of its context, or of the length it may answer with, before the end of its "
            "answer. What came is kept; ask it to go on, or make the window smaller."
        )


def _cut(model: str) -> ReplyCut:
    return ReplyCut(f"The answer of {model} broke off before its end. What came is kept; try again.")


@contextmanager
def _translated(host: str, model: str) -> Iterator[None]:
    try:
        yield
    except (ollama.ResponseError, httpx.HTTPError, OSError, ValueError) as error:
        raise _translate(error, host, model) from error


def _translate(error: Exception, host: str, model: str) -> ModelError:
    match error:
        case ollama.ResponseError(status_code=404):
            return ModelUnknown(f"Ollama has no model “{model}”. Get it with: ollama pull {model}")
        case ollama.ResponseError(status_code=503):
            return ModelUnavailable("Ollama has too many requests waiting. Try again in a moment.")
        case ollama.ResponseError():
            return ModelFailed(f"Ollama reported an error: {error.error.strip() or error.status_code}. Try again.")
        case httpx.ConnectError() | httpx.ConnectTimeout() | ConnectionError():
            return ModelUnavailable(f"No Ollama server answers at {host}. Start it with: ollama serve.")
        case TimeoutError() | httpx.TimeoutException():
            return ModelTimeout(f"Ollama at {host} said nothing for too long. Look whether it is busy, then try again.")
        case httpx.HTTPError() if model:
            return _cut(model)
        case _:
            return ModelFailed(f"What answers at {host} does not speak as Ollama does. Check OLLAMA_HOST.")
