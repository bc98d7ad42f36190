"""The life of a reply once its turn is open: the model runs, the turn is closed, and only then the reply ends.

What waited for it is sent then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from agent.context import Context
from agent.echo import ECHO
from agent.ending import CLOSED, closed, counted, sentence_of
from agent.errors import AgentClosed, ModelFailed, ModelMissing
from agent.listen import Tokens
from agent.parts import Graph, Parts
from agent.prompt import storable
from agent.receipt import Receipt, Verdict, judged
from agent.reply import Reply
from agent.thinking import Split
from agent.title import make_title
from agent.watchers import Ended
from storage import Message, OpenedTurn, Outcome, Status, StoreError, WindowseatError

LOOK_WAIT = 0.3
"""Seconds that the end of a reply waits for the server to say what context the model has."""

log = logging.getLogger(__name__)


class Life:
    """One reply, on the event loop.

    `context` is what was chosen when the turn was opened, and `again` chooses anew for a model that turns out to have
    less room, given the context length it has: it gives the context and may raise PromptRefused.
    """

    def __init__(
        self,
        opened: OpenedTurn,
        context: Context,
        reply: Reply,
        parts: Parts,
        again: Callable[[int], Awaitable[Context]],
        graph: Graph,
    ) -> None:
        self._opened = opened
        self._context = context
        self._reply = reply
        self._first_receipt = context.receipt
        self._again = again
        self._graph = graph
        self._parts = parts
        self._models, self._runner, self._store = parts.models, parts.runner, parts.store
        self._corrections = parts.corrections
        self._names_session = parts.settings.titles == "model" and reply.model != ECHO and opened.depth == 1
        self._usage: UsageMetadata | None = None
        self._look: asyncio.Task[int | None] | None = None

    async def run(self) -> None:
        answer = asyncio.create_task(self._answer())
        self._reply.can_be_stopped_by(partial(asyncio.get_running_loop().call_soon_threadsafe, answer.cancel))
        await asyncio.wait([answer])
        status, failure = self._judge(answer)
        outcome = self._outcome(status, failure, await self._looked())
        standing = await closed(self._runner, self._reply, partial(self._close, outcome), outcome.status)
        self._reply.end(standing, failure)
        self._parts.watchers.tell(Ended.of(self._reply, outcome))
        if self._names_session and standing is Status.COMPLETE:
            with suppress(AgentClosed):
                self._runner.launch_aside(self._name_session())
        self._parts.due.send(self._opened.owner, self._opened.session_id)

    async def _answer(self) -> None:
        """Feed what the model thinks and says to the reply."""
        await self._keep_to_real_context()
        split = Split()

        def take(message: AIMessage) -> None:
            self._take(*split.feed(message))
            if message.usage_metadata:
                self._usage = add_usage(self._usage, message.usage_metadata)

        tokens = Tokens(take)
        asked = {"messages": list(self._context.asked)}
        try:
            answered = await self._graph.ainvoke(asked, {"callbacks": [tokens]}, context=self._context)
            if not tokens.came:
                # A model that doesn't stream gives its whole message instead of chunks of it.
                take(answered["messages"][-1])
        finally:
            self._take(*split.finish())

    async def _keep_to_real_context(self) -> None:
        """Where the server may have less room than was asked for, find out before it cuts, and choose again."""
        receipt = self._context.receipt
        loaded = await self._models.real_context(
            self._reply.model, receipt.estimated, receipt.context_loaded, receipt.context_asked
        )
        if loaded is not None and loaded != receipt.context_loaded and loaded < (receipt.context_asked or 0):
            self._context = await self._again(loaded)
            self._reply.receipt = self._context.receipt

    def _take(self, thinking: str, text: str) -> None:
        self._reply.think(storable(thinking))
        self._reply.add(storable(text))
        if self._look is None and (thinking or text) and self._context.receipt.context_asked is not None:
            # Now it is in memory, and the server can say with what context.
            self._look = asyncio.create_task(self._models.look_at_context(self._reply.model))

    async def _looked(self) -> int | None:
        """The context that the model really has; None where the server has not said in time."""
        if self._look is None:
            return None
        await asyncio.wait([self._look], timeout=LOOK_WAIT)
        return self._look.result() if self._look.done() else None

    def _outcome(self, status: Status, failure: WindowseatError | str | None, loaded: int | None) -> Outcome:
        reply = self._reply
        asked, written = counted(self._usage)
        receipt = judged(self._context.receipt, model=reply.model, counted=asked, written=written, loaded=loaded)
        reply.receipt, stored = receipt, receipt.to_json()
        return Outcome(
            status=status,
            messages=(Message.reply(reply.text, reply.thinking),) if reply.text or reply.thinking else (),
            receipt=stored if stored != self._first_receipt.to_json() else {},
            first_text_at=reply.first_text_at,
            input_tokens=asked,
            output_tokens=written,
            error=None if failure is None else storable(str(failure)),
        )

    def _close(self, outcome: Outcome) -> Status:
        standing = self._store.turns.close(self._opened, outcome)
        receipt, raw = self._reply.receipt, self._context.raw
        with suppress(StoreError):
            self._models.note_asked(self._reply.model, self._context.receipt.context_asked)
        if receipt is not None and raw is not None and self._can_be_learned_from(receipt):
            with suppress(StoreError):
                self._corrections.learn(self._reply.model, raw, receipt.counted or 0)
        return standing

    def _can_be_learned_from(self, receipt: Receipt) -> bool:
        """Where the server may have cut, its count is the least there was; of images it makes what it likes."""
        whole = receipt.verdict is Verdict.COMPLETE or (receipt.counted or 0) > (receipt.estimated or 0)
        return whole and all(isinstance(message.content, str) for message in self._context.messages)

    def _judge(self, answer: "asyncio.Task[None]") -> tuple[Status, WindowseatError | str | None]:
        if answer.cancelled() or (self._reply.hung_up and _is_foreign(answer.exception())):
            if self._reply.stop_asked:
                return Status.STOPPED, None
            return Status.INTERRUPTED, CLOSED
        match answer.exception():
            case None:
                return Status.COMPLETE, None
            case WindowseatError() as error:
                if isinstance(error, ModelMissing):
                    self._models.look_again()
                return Status.FAILED, error
            case error:
                return Status.FAILED, ModelFailed(f"{self._reply.model} failed: {sentence_of(error)}")

    async def _name_session(self) -> None:
        """Have the model make a title in the place of the first words. What goes wrong leaves those."""
        model = self._models.chat_model(self._reply.model)
        settings = dict(self._context.model_settings)
        if settings.get("reasoning"):
            settings["reasoning"] = False
        try:
            title = await make_title(model, self._reply.prompt, self._reply.text, settings)
            if title:
                retitle = partial(self._store.sessions.retitle, self._opened.owner, self._opened.session_id, title)
                await self._runner.write(retitle)
        except Exception as error:  # noqa: BLE001 - whatever a model does, the session has a title
            log.warning("%s made no title: %s", self._reply.model, sentence_of(error))


def _is_foreign(error: BaseException | None) -> bool:
    """Whether it may come of hanging up: while a program ends, libraries trip over their own clearing away."""
    return error is not None and not isinstance(error, WindowseatError)
