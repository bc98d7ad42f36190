"""How a turn ends: its sentence and figures, and a store that takes it in the end."""

import asyncio
from collections.abc import Callable

from langchain_core.messages.ai import UsageMetadata

from agent.prompt import storable
from agent.reply import Reply
from agent.runner import Runner
from agent.secrets import without_secrets
from storage import Status, StoreError, TurnNotFound

CLOSE_AGAIN = 1.0
"""Seconds between two tries to close a turn in a store that can't."""

MOST_TOKENS = 2**31

CLOSED = "The program was closed before the reply ended."
"""The sentence of what was interrupted so."""


def sentence_of(error: BaseException) -> str:
    """What an error says, as it may be kept and shown."""
    return storable(without_secrets(str(error))) or type(error).__name__


def counted(usage: UsageMetadata | None) -> tuple[int | None, int | None]:
    """Tokens that a server says it read and wrote, None for what it did not say or what can't be."""
    said: dict[str, object] = {**usage} if usage else {}
    return _possible(said.get("input_tokens")), _possible(said.get("output_tokens"))


def _possible(tokens: object) -> int | None:
    return tokens if isinstance(tokens, int) and 0 <= tokens < MOST_TOKENS else None


async def closed(runner: Runner, reply: Reply, close: Callable[[], Status], wanted: Status) -> Status:
    """Close a turn on the writer's thread, trying for as long as the store can't; the status that stands."""
    while True:
        try:
            return await runner.write(close)
        except TurnNotFound:
            return wanted  # The session was deleted, by somebody who was asked whether they were sure.
        except StoreError as error:
            reply.trouble = str(error)
            await asyncio.sleep(CLOSE_AGAIN)
