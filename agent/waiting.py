"""The prompts of a session that wait until the reply before them has ended."""

from agent.asking import Asking, Images
from agent.context import Ask
from agent.due import HeldUp
from agent.ending import sentence_of
from agent.errors import AgentClosed
from agent.parts import Parts
from agent.reply import Reply
from storage import (
    Attached,
    OthersFirst,
    SessionBusy,
    SessionNotFound,
    StoreError,
    WaitingGone,
    WaitingPrompt,
)


class Queue:
    """Of one session of one owner."""

    def __init__(self, owner: str, session_id: str, parts: Parts) -> None:
        self._place = (owner, session_id)
        self._parts = parts
        self._waiting = parts.store.waiting
        self._asking = Asking(owner, session_id, parts)

    def submit(self, ask: Ask, images: Images, *, model: str | None, also: str | None) -> Reply | None:
        """Ask now, or put it to wait where a reply runs. Whoever runs that one sends it."""

        def placed() -> bool:
            return self._waiting.put(*self._place, ask.prompt, images, model=model, also=also) is not None

        while True:
            if self._runs_here() and placed():
                return None
            before = self.send_due()
            self._parts.due.note(*self._place, before)
            stuck = None if before is None else before.waiting_id
            try:
                return self._asking.start(ask, images, queued=Attached(also=also, queues=True, stuck=stuck))
            except SessionBusy:
                if placed():
                    return None
            except OthersFirst:
                continue

    def send_next(self) -> Reply | None:
        """Send the next one, and let those behind it follow; None where none waits, or a reply runs.

        Raises what `Asking.start` raises.
        """
        while (found := self._waiting.first(*self._place)) is not None:
            try:
                return self._start(found, releases=True)
            except SessionBusy:
                return None
            except WaitingGone:
                continue
        return None

    def send_due(self) -> HeldUp | None:
        """Send what is to be sent without anybody being asked; why that can't be, where it can't.

        Raises StoreError, AgentClosed, SessionNotFound.
        """
        while (found := self._waiting.first(*self._place, due=True)) is not None:
            try:
                self._start(found)
            except SessionBusy:
                break  # Whoever runs that reply looks again.
            except WaitingGone:
                continue
            except (StoreError, AgentClosed, SessionNotFound):
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one prompt, others go on
                return HeldUp(found.id, sentence_of(error))
            break
        return None

    def held_up(self) -> str | None:
        """Why what is due was not sent, as far as anybody tried."""
        noted = self._parts.due.held_up(*self._place)
        if noted is None or (first := self._waiting.first(*self._place, due=True)) is None:
            return None
        return noted.sentence if noted.waiting_id in {None, first.id} else None

    def look(self) -> None:
        """Have what is due sent where nobody has tried to: who was to do it may be gone."""
        if self._waiting.first(*self._place, due=True) is not None and self.held_up() is None:
            self._parts.due.send(*self._place)

    def _runs_here(self) -> bool:
        """Whether a reply of this process runs in the session, so that nobody needs to find out by trying."""
        head = self._parts.store.sessions.get(*self._place).head_id
        return head is not None and self._parts.runner.reply(head) is not None

    def _start(self, prompt: WaitingPrompt, *, releases: bool = False) -> Reply:
        images = self._waiting.contents(*self._place, prompt.id) if prompt.message.images else {}
        ask = self._asking.ask(prompt.message, prompt.model)
        queued = Attached(waiting=prompt.id, releases=releases)
        return self._asking.start(ask, images, beside=prompt.beside, queued=queued)
