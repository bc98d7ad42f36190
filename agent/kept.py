"""A turn that an agent of somebody's own answers, kept in the store like any other."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from agent.context import Context
from agent.prompt import storable
from agent.receipt import judged
from agent.reply import Reply
from agent.runner import Runner
from agent.secrets import without_secrets
from storage import Message, OpenedTurn, Outcome, Status, Store, TurnNotFound
from storage.langchain import to_stored

log = logging.getLogger(__name__)


class KeptTurn:
    """Open from its first model call to its last; `close` is called once, by whoever opened it.

    It is seen to run, and can be stopped, from anywhere: a stop cancels the model call that it waits for, if that is
    an asynchronous one. Its text is there at its end.
    """

    def __init__(self, opened: OpenedTurn, context: Context, reply: Reply, *, runner: Runner, store: Store) -> None:
        self.before: tuple[AnyMessage, ...] = context.before
        self._opened = opened
        self._reply = reply
        self._runner = runner
        self._store = store
        self._usage: UsageMetadata | None = None
        runner.hold(reply)

    def cancelled_by_stop(self) -> None:
        """Let a stop cancel the task that runs now."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is not None:
            self._reply.can_be_stopped_by(lambda: loop.call_soon_threadsafe(task.cancel))

    def count(self, message: BaseMessage) -> None:
        """Add what a model call cost."""
        if isinstance(message, AIMessage):
            self._usage = add_usage(self._usage, message.usage_metadata)

    def close(self, steps: Sequence[BaseMessage], error: BaseException | None = None) -> None:
        """Keep what came after the prompt, in order, and the status that follows from the error. Raises StoreError."""
        status, sentence = self._judge(error)
        stored = tuple(_storable(to_stored(step)) for step in steps)
        usage = self._usage or {"input_tokens": None, "output_tokens": None}
        counted, written = usage["input_tokens"], usage["output_tokens"]
        outcome = Outcome(status, stored, input_tokens=counted, output_tokens=written, error=sentence)
        if self._reply.receipt is not None:
            self._reply.receipt = judged(self._reply.receipt, model=self._reply.model, counted=counted, written=written)
        self._reply.add("".join(message.content for message in stored if message.sender == "AI"))
        try:
            with suppress(TurnNotFound):
                status = self._store.turns.close(self._opened, outcome)
        finally:
            self._runner.release(self._reply)
            self._reply.end(status, sentence)

    def _judge(self, error: BaseException | None) -> tuple[Status, str | None]:
        if self._reply.stop_asked or isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit):
            return Status.STOPPED, None
        if error is None:
            return Status.COMPLETE, None
        return Status.FAILED, storable(without_secrets(str(error))) or type(error).__name__


def _storable(message: Message) -> Message:
    return Message(message.sender, storable(message.content), message.full)
