"""Asking: from what is to be asked to a reply that runs, or to what would be sent."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from agent.context import Ask, Chosen, Context, Told, choose_turns, digests_in, make_context
from agent.ending import CLOSED, sentence_of
from agent.errors import AgentClosed, PromptRefused
from agent.kept import KeptTurn
from agent.life import Life
from agent.models import name_of, room_of
from agent.parts import Parts
from agent.prompt import checked_characters
from agent.reply import Reply
from agent.settings import model_of, window_turns_of
from storage import Attached, Json, Message, OpenedTurn, Outcome, Past, Status
from storage.langchain import to_stored

Images = dict[str, bytes]
"""Contents, by digest."""

NOT_QUEUED = Attached()

log = logging.getLogger(__name__)


class Asking:
    """In one session of one owner. `start` is the main path; `agent.life` goes on from there."""

    def __init__(self, owner: str, session_id: str, parts: Parts) -> None:
        self._owner = owner
        self._session_id = session_id
        self._parts = parts

    def ask(self, prompt: Message, model: str | None = None) -> Ask:
        """What is to be asked, with all that the session sets; of its model if no other is named.

        Raises SessionNotFound, ModelUnknown, PromptRefused.
        """
        models, defaults = self._parts.models, self._parts.settings
        session = self._parts.store.sessions.get(self._owner, self._session_id)
        name = models.choose(model or model_of(session, defaults)).model
        models.chat_model(name)
        told = Told.of(session)
        told = replace(told, parameters=models.applied(name, told.parameters))
        room = models.room(name, self._parts.corrections.factor(name))
        blind = not models.sees(name)
        if blind and prompt.images:
            raise PromptRefused(f"{name} sees no images: choose a model that does, or send the prompt without.")
        return Ask(prompt, name, window_turns_of(session, defaults), told, room, blind=blind)

    def start(
        self,
        ask: Ask,
        images: Images,
        *,
        beside: int | None = None,
        idempotency_key: str | None = None,
        queued: Attached = NOT_QUEUED,
    ) -> Reply:
        """Open the turn, choose the context, and let the reply run. Raises TurnExists, WaitingGone.

        `queued` says how it stands to the prompts that wait.
        """
        graph = self._parts.graph(ask.model)
        attached = replace(queued, images=images, begun=ask.kept)
        opened, chosen = self._open(ask, attached, beside=beside, idempotency_key=idempotency_key)
        with self._closed_on_error(opened, ask):
            context = self.context(chosen, ask, images)
            reply = Reply(opened.id, ask.prompt.content, ask.model, context.receipt, begun=ask.kept)
            again = partial(self._again, opened.past, ask, images)
            self._parts.runner.launch(reply, Life(opened, context, reply, self._parts, again, graph).run())
        return reply

    def keep(self, prompt: BaseMessage, model: BaseChatModel, window_turns: int) -> KeptTurn:
        """Open a turn that an agent of somebody's own answers; who calls this closes it.

        The model is told nothing of the session but its turns.
        """
        checked_characters(prompt.text, "The prompt")
        name = name_of(model)
        room = room_of(model, self._parts.corrections.factor(name), self._parts.settings.reply_tokens)
        ask = Ask(to_stored(prompt), name, window_turns, room=room, own_agent=True)
        opened, chosen = self._open(ask, NOT_QUEUED)
        with self._closed_on_error(opened, ask):
            context = make_context(chosen, ask, self.contents(chosen, ask), {})
            reply = Reply(opened.id, ask.prompt.content, name, context.receipt)
            return KeptTurn(opened, context, reply, self._parts)

    def choose(self, ask: Ask) -> Chosen:
        """What would be chosen now. Raises PromptRefused."""
        return choose_turns(self._parts.store.paths.past(self._owner, self._session_id, ask.size), ask)

    def context(self, chosen: Chosen, ask: Ask, images: Images) -> Context:
        """What is sent; `images` are those that the store has not got yet."""
        models, estimated = self._parts.models, chosen.receipt.estimated
        settings = models.settings_for(ask.model, ask.told.parameters, ask.room, estimated)
        return make_context(chosen, ask, self.contents(chosen, ask, images), settings)

    def contents(self, chosen: Chosen, ask: Ask, given: Images | None = None) -> Images:
        """Of all images that the model is to see: those given, and those that the store has."""
        given = given or {}
        wanted = [digest for digest in digests_in(chosen, ask) if digest not in given]
        return given | self._parts.store.images.contents(self._owner, self._session_id, wanted)

    def _open(
        self, ask: Ask, attached: Attached, *, beside: int | None = None, idempotency_key: str | None = None
    ) -> tuple[OpenedTurn, Chosen]:
        """From here on the prompt can't be lost."""
        chooser = _Chooser(ask)
        open_turn = partial(
            self._parts.store.turns.open,
            self._owner,
            self._session_id,
            ask.prompt,
            model=ask.model,
            window=ask.size,
            process_id=self._parts.runner.process_id,
            beside=beside,
            idempotency_key=idempotency_key,
            attached=attached,
            receipt=chooser,
        )
        return self._parts.after_sweep(open_turn), chooser.chosen

    @contextmanager
    def _closed_on_error(self, opened: OpenedTurn, ask: Ask) -> Iterator[None]:
        """Close a turn whose reply can't begin. What the store can't close, the sweep does."""
        try:
            yield
        except BaseException as error:
            kept = (Message.reply(ask.kept),) if ask.kept else ()
            outcome = Outcome(Status.FAILED, kept, error=f"The reply could not begin: {sentence_of(error)}")
            if isinstance(error, AgentClosed):
                outcome = Outcome(Status.INTERRUPTED, kept, error=CLOSED)
            try:
                self._parts.store.turns.close(opened, outcome)
            except Exception as trouble:  # noqa: BLE001 - the first error says why there is no reply
                log.warning("Turn %s was not closed: %s", opened.id, sentence_of(trouble))
            self._parts.due.send(self._owner, self._session_id)
            raise

    async def _again(self, past: Past, ask: Ask, images: Images, loaded: int) -> Context:
        """What the model is to see if it has no more context than that. Raises PromptRefused."""
        assert ask.room is not None  # noqa: S101 - of others nobody knows what was loaded
        ask = replace(ask, room=replace(ask.room, loaded=loaded))
        return await asyncio.to_thread(self.context, choose_turns(past, ask), ask, images)


class _Chooser:
    """Makes the receipt while the turn is opened, and keeps what it stands for."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def __call__(self, past: Past) -> Json:
        self.chosen = choose_turns(past, self._ask)
        return self.chosen.receipt.to_json()
