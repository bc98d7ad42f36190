"""The life of a reply once its turn is open: the model runs, the turn is closed, and only then the reply ends."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langgraph.graph.state import CompiledStateGraph

from agent.context import Context
from agent.errors import ModelFailed
from agent.listen import Tokens
from agent.models import Models
from agent.prompt import storable
from agent.receipt import Verdict, judged
from agent.reply import Reply
from agent.runner import Runner
from agent.secrets import without_secrets
from agent.thinking import Split
from agent.title import make_title
from agent.tokens import Corrections
from storage import Message, OpenedTurn, Outcome, Status, Store, StoreError, TurnNotFound, WindowseatError

CLOSE_AGAIN = 1.0
"""Seconds between two tries to close a turn in a store that can't."""

MOST_TOKENS = 2**31

Graph = CompiledStateGraph[Any, Any, Any, Any]
log = logging.getLogger(__name__)


class Life:
    """One reply, on the event loop."""

    def __init__(
        self,
        opened: OpenedTurn,
        context: Context,
        reply: Reply,
        *,
        graph: Graph,
        models: Models,
        runner: Runner,
        store: Store,
        corrections: Corrections,
        titles: bool,
    ) -> None:
        self._opened = opened
        self._context = context
        self._reply = reply
        self._graph = graph
        self._models = models
        self._runner = runner
        self._store = store
        self._corrections = corrections
        self._titles = titles
        self._usage: UsageMetadata | None = None
        self._look: asyncio.Task[int | None] | None = None

    async def run(self) -> None:
        answer = asyncio.create_task(self._answer())
        self._reply.can_be_stopped_by(partial(asyncio.get_running_loop().call_soon_threadsafe, answer.cancel))
        await asyncio.wait([answer])
        status, failure = self._judge(answer)
        outcome = await self._outcome(status, failure)
        standing = await self._closed(outcome)
        self._reply.end(standing, failure)
        if self._titles and standing is Status.COMPLETE and self._opened.depth == 1:
            self._runner.launch_aside(self._name_session())

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
            why = without_secrets(str(error)) or type(error).__name__
            log.warning("%s made no title: %s", self._reply.model, why)

    async def _answer(self) -> None:
        """Feed what the model thinks and says to the reply."""
        split = Split()

        def take(message: AIMessage) -> None:
            self._take(*split.feed(message))
            self._usage = add_usage(self._usage, message.usage_metadata)

        tokens = Tokens(take)
        asked = {"messages": list(self._context.asked)}
        answered = await self._graph.ainvoke(asked, {"callbacks": [tokens]}, context=self._context)
        if not tokens.came:
            # A model that doesn't stream gives its whole message instead of chunks of it.
            take(answered["messages"][-1])
        self._take(*split.finish())

    def _take(self, thinking: str, text: str) -> None:
        self._reply.think(storable(thinking))
        self._reply.add(storable(text))
        if self._look is None and self._context.receipt.context_asked is not None:
            # Now it is in memory, and the server can say with what context.
            self._look = asyncio.create_task(self._models.look_at_context(self._reply.model))

    async def _outcome(self, status: Status, failure: WindowseatError | str | None) -> Outcome:
        reply = self._reply
        usage: dict[str, Any] = {**self._usage} if self._usage else {}
        counted, written = _counted(usage.get("input_tokens")), _counted(usage.get("output_tokens"))
        loaded = await self._look if self._look else None
        before = self._context.receipt
        reply.receipt = judged(before, model=reply.model, counted=counted, written=written, loaded=loaded)
        receipt = reply.receipt.to_json()
        return Outcome(
            status=status,
            messages=(Message.reply(reply.text, reply.thinking),) if reply.text or reply.thinking else (),
            receipt=receipt if receipt != before.to_json() else {},
            first_text_at=reply.first_text_at,
            input_tokens=counted,
            output_tokens=written,
            error=None if failure is None else storable(str(failure)),
        )

    async def _closed(self, outcome: Outcome) -> Status:
        """Close the turn, trying for as long as the store can't; the status that stands."""
        while True:
            try:
                return await self._runner.write(partial(self._close, outcome))
            except TurnNotFound:
                return outcome.status  # The session was deleted, by somebody who was asked whether they were sure.
            except StoreError as error:
                self._reply.trouble = str(error)
                await asyncio.sleep(CLOSE_AGAIN)

    def _close(self, outcome: Outcome) -> Status:
        standing = self._store.turns.close(self._opened, outcome)
        if self._can_be_learned_from:
            with suppress(StoreError):
                self._corrections.learn(self._reply.model, self._context.raw or 0, outcome.input_tokens or 0)
        return standing

    @property
    def _can_be_learned_from(self) -> bool:
        """Where the server cut, or made what it likes of images, its count says nothing of our estimate of texts."""
        receipt = self._reply.receipt
        whole = receipt is not None and receipt.verdict is Verdict.COMPLETE
        return whole and all(isinstance(message.content, str) for message in self._context.messages)

    def _judge(self, answer: "asyncio.Task[None]") -> tuple[Status, WindowseatError | str | None]:
        if answer.cancelled():
            if self._reply.stop_asked:
                return Status.STOPPED, None
            return Status.INTERRUPTED, "The program was closed before the reply ended."
        match answer.exception():
            case None:
                return Status.COMPLETE, None
            case WindowseatError() as error:
                return Status.FAILED, error
            case error:
                said = storable(without_secrets(str(error))) or type(error).__name__
                return Status.FAILED, ModelFailed(f"{self._reply.model} failed: {said}")


def _counted(tokens: object) -> int | None:
    """What a server says it counted, if that can be."""
    return tokens if isinstance(tokens, int) and 0 <= tokens < MOST_TOKENS else None
