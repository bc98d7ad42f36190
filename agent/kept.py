"""A turn that an agent of somebody's own answers, kept in the store like any other."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from agent.context import Context
from agent.ending import closed, counted, sentence_of
from agent.errors import AgentClosed, RunStopped
from agent.parts import Parts
from agent.prompt import storable
from agent.reply import Reply
from storage import Message, OpenedTurn, Outcome, Sender, Status, StoreError, TurnNotFound
from storage.langchain import to_stored


class KeptTurn:
    """Open from its first model call to its last; closed by whoever opened it, or by a stop between two calls.

    It is seen to run, and can be stopped, from anywhere: a stop cancels an asynchronous call, and lets a synchronous
    one come to its end. Its text is there at its end.
    """

    def __init__(self, opened: OpenedTurn, context: Context, reply: Reply, parts: Parts) -> None:
        self.before: tuple[AnyMessage, ...] = context.before
        self._opened = opened
        self._reply = reply
        self._parts = parts
        self._runner, self._store = parts.runner, parts.store
        self._usage: UsageMetadata | None = None
        self._steps: list[BaseMessage] = []
        self._calls = 0
        self._ended = False
        self._lock = threading.Lock()
        reply.can_be_stopped_by(self._stopped_between_calls)
        self._runner.hold(reply)

    @property
    def idle(self) -> bool:
        """Whether it waits for nothing that we know of: its run was left, or pauses."""
        return self._calls == 0

    @contextmanager
    def call(self, steps: Sequence[BaseMessage]) -> Iterator[None]:
        """While a model or a tool is called, after these steps. Raises RunStopped where it was stopped before."""
        self._steps = list(steps)
        if self._reply.stop_asked:
            raise RunStopped
        self._count_calls(1)
        try:
            yield
        finally:
            self._count_calls(-1)

    @contextmanager
    def cancelled_by_stop(self) -> Iterator[None]:
        """Let a stop cancel the task that runs now."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is not None:
            self._reply.can_be_stopped_by(lambda: loop.call_soon_threadsafe(task.cancel))
        try:
            yield
        finally:
            self._reply.can_be_stopped_by(self._stopped_between_calls)

    def take_in(self, messages: Sequence[BaseMessage]) -> None:
        """Add what a model call gave."""
        self._steps += messages
        for message in messages:
            if isinstance(message, AIMessage) and message.usage_metadata:
                self._usage = add_usage(self._usage, message.usage_metadata)

    def close(self, status: Status = Status.COMPLETE, error: BaseException | None = None) -> None:
        """Keep the steps so far. Where the store can't take them yet, it is tried until it can."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        if self._reply.stop_asked or isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit):
            status, error = Status.STOPPED, None
        outcome = self._outcome(Status.FAILED if error else status, None if error is None else sentence_of(error))
        self._reply.add("".join(message.content for message in outcome.messages if message.sender is Sender.AI))
        try:
            self._end(self._store.turns.close(self._opened, outcome), outcome)
        except TurnNotFound:
            self._end(outcome.status, outcome)
        except StoreError as trouble:
            self._reply.trouble = str(trouble)
            with suppress(AgentClosed):
                self._runner.launch_aside(self._close_later(outcome))

    async def _close_later(self, outcome: Outcome) -> None:
        close = partial(self._store.turns.close, self._opened, outcome)
        self._end(await closed(self._runner, self._reply, close, outcome.status), outcome)

    def _count_calls(self, more: int) -> None:
        with self._lock:  # Tools are called on several threads at once.
            self._calls += more

    def _end(self, status: Status, outcome: Outcome) -> None:
        self._runner.release(self._reply)
        self._reply.end(status, outcome.error)
        self._parts.due.send(self._opened.owner, self._opened.session_id)

    def _outcome(self, status: Status, sentence: str | None) -> Outcome:
        asked, written = counted(self._usage)
        return Outcome(
            status,
            tuple(_storable(to_stored(step)) for step in self._steps),
            input_tokens=asked,
            output_tokens=written,
            error=sentence,
        )

    def _stopped_between_calls(self) -> None:
        if self.idle:
            self.close(Status.STOPPED if self._reply.stop_asked else Status.INTERRUPTED)


def _storable(message: Message) -> Message:
    return Message(message.sender, storable(message.content), message.full)
