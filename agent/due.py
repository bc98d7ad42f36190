"""Prompts that wait are sent when they are due: in the background, and again and again while the store can't."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from agent.errors import AgentClosed
from agent.runner import Runner
from storage import SessionNotFound, StoreError

AGAIN = 1.0
"""Seconds between two tries with a store that can't."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldUp:
    """Why a waiting prompt could not be sent; `waiting_id` is None where the store could not even say which it is."""

    waiting_id: int | None
    sentence: str


class Due:
    """Remembers why what is due was not sent."""

    def __init__(self, runner: Runner, send: Callable[[str, str], HeldUp | None]) -> None:
        """`send` sends what is due in an owner's session, if anything is."""
        self._runner = runner
        self._send = send
        self._held_up: dict[tuple[str, str], HeldUp] = {}

    def send(self, owner: str, session_id: str) -> None:
        """Have it sent, and return at once. Does nothing once the agent is closed."""
        with suppress(AgentClosed):
            self._runner.launch_aside(self._sent(owner, session_id))

    def note(self, owner: str, session_id: str, held_up: HeldUp | None) -> None:
        if held_up is None:
            self._held_up.pop((owner, session_id), None)
        else:
            log.warning("A waiting prompt was not sent: %s", held_up.sentence)
            self._held_up[owner, session_id] = held_up

    def held_up(self, owner: str, session_id: str) -> HeldUp | None:
        """What was noted last. Asks no store: the prompt may be gone meanwhile."""
        return self._held_up.get((owner, session_id))

    async def _sent(self, owner: str, session_id: str) -> None:
        send = partial(self._send, owner, session_id)
        while True:
            try:
                return self.note(owner, session_id, await self._runner.in_thread(send))
            except (AgentClosed, SessionNotFound):
                return None
            except StoreError as error:
                self.note(owner, session_id, HeldUp(None, str(error)))
                await asyncio.sleep(AGAIN)
            except Exception:
                log.exception("A waiting prompt was not sent.")
                return None
