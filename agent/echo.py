"""A model that is none: it repeats the prompt and says how many messages it got, so that the window can be seen."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

ECHO = "echo"
"""Its name among the models."""


class EchoModel(BaseChatModel):
    """Answers "You said: Hello. I remember 1 messages.", counting all but system messages and a reply it continues.

    Its tokens are words. `words_per_second` paces it, to try out streaming; 0 is as fast as it can.
    """

    words_per_second: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "echo"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage("".join(_words(messages)), usage_metadata=_usage(messages))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _chunks(messages):
            if self._pause:
                time.sleep(self._pause)
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _chunks(messages):
            if self._pause:
                await asyncio.sleep(self._pause)
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    @property
    def _pause(self) -> float:
        return 1 / self.words_per_second if self.words_per_second else 0.0


def _words(messages: list[BaseMessage]) -> list[str]:
    counted = [message for message in messages if not isinstance(message, SystemMessage)]
    begun = counted.pop().text if counted and isinstance(counted[-1], AIMessage) else ""
    said = counted[-1].text if counted else ""
    answer = f"You said: {said}. I remember {len(counted)} messages."
    # What follows a beginning of its answer is the rest of it.
    return re.findall(r"\S+\s*|\s+", answer.removeprefix(begun))


def _chunks(messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
    for word in _words(messages):
        yield ChatGenerationChunk(message=AIMessageChunk(content=word))
    yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=_usage(messages)))


def _usage(messages: list[BaseMessage]) -> UsageMetadata:
    asked = sum(len(message.text.split()) for message in messages)
    answered = len(_words(messages))
    return UsageMetadata(input_tokens=asked, output_tokens=answered, total_tokens=asked + answered)
