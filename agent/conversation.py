"""A conversation: one session, and the life of each of its turns. `start` is the main path."""

import json
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from agent.asking import Asking
from agent.context import NO_TEXT, Ask, Chosen, Context, Told, make_context
from agent.elsewhere import ReplyElsewhere
from agent.errors import PromptRefused, SettingsInvalid
from agent.frame import to_frame
from agent.images import Given, ImageFile, checked_images
from agent.kept import KeptTurn
from agent.models import Choice
from agent.parts import Parts
from agent.prompt import checked_name, checked_prompt, checked_tag, checked_title, new_name
from agent.receipt import Receipt
from agent.reply import Reply
from agent.settings import checked_settings, model_of, window_turns_of
from agent.templates import settings_instead
from agent.waiting import Queue
from storage import (
    TEXTS,
    Attached,
    Mark,
    Message,
    Sender,
    Session,
    SessionBusy,
    SessionText,
    Siblings,
    Status,
    Template,
    Turn,
    TurnExists,
    WaitingPrompt,
)

if TYPE_CHECKING:
    import pandas as pd

LAST_WORDS = 5.0
"""How long deleting a session waits for its running reply to be stopped, in seconds."""

T = TypeVar("T")


class Conversation:
    """One session of one owner. It holds no state but names: two of them for one session agree."""

    def __init__(self, owner: str, session_id: str, parts: Parts) -> None:
        self.owner = owner
        self.session_id = session_id
        self._parts = parts
        self._asking = Asking(owner, session_id, parts)
        self._queue = Queue(owner, session_id, parts)
        self._store, self._runner, self._models = parts.store, parts.runner, parts.models
        self._settings = parts.settings

    def send(self, prompt: str, *, images: Sequence[Given] = (), model: str | None = None) -> Reply:
        """Ask, and wait for the whole reply. Raises WindowseatError; what came of a reply is kept all the same."""
        return self.start(prompt, images=images, model=model).finish()

    def stream(self, prompt: str, *, images: Sequence[Given] = (), model: str | None = None) -> Iterator[str]:
        """Ask, and give the text as it arrives. Leaving early does not end the reply; interrupting does."""
        reply = self.start(prompt, images=images, model=model)
        try:
            yield from reply.follow()
        except KeyboardInterrupt:
            reply.stop()
            raise

    def start(
        self,
        prompt: str,
        *,
        images: Sequence[Given] = (),
        model: str | None = None,
        beside: int | None = None,
        idempotency_key: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Ask, and return at once, with the prompt on the disk and the reply running.

        `images` are files, bytes or ImageFiles, for models that see. `model` answers this once. With `beside`, the turn
        becomes another continuation next to that turn. A prompt that was sent with the same `idempotency_key` before is
        not asked again: its reply is returned, in whatever state it is. `data` is kept with the turn, for who sends it:
        `data_of` gives it back, and no model sees it. Raises PromptRefused, SessionNotFound,
        SessionBusy, SessionEnded, TurnNotFound, ModelUnknown, StoreError; nothing is kept then.
        """
        prompt = checked_prompt(prompt, self._settings.prompt_limit)
        if (
            idempotency_key is not None
            and (known := self._known(checked_name(idempotency_key, "An idempotency key"))) is not None
        ):
            return self._known_reply(known, prompt)
        shown, contents = checked_images(images)
        ask = self._asking.ask(Message.prompt(prompt, shown), model)
        try:
            kept = Attached(data=json.dumps(data, ensure_ascii=False) if data else "")
            return self._asking.start(ask, contents, beside=beside, idempotency_key=idempotency_key, queued=kept)
        except TurnExists as error:
            return self._known_reply(error.turn_id, prompt)

    def submit(
        self, prompt: str, *, images: Sequence[Given] = (), model: str | None = None, also: str | None = None
    ) -> Reply | None:
        """Ask as `start` does or, where a reply runs, have the prompt wait for its end: then it gives None.

        What waits is in `waiting`, and is sent one after the other by whoever runs the reply before it. What waits when
        that fails or is interrupted is held until `send_waiting`; what is submitted after that does not wait for it.
        With `also`, the name of another model, the same is asked of that one next, beside it. Raises what `start`
        raises but SessionBusy, and TooManyWaiting; nothing is kept then.
        """
        prompt = checked_prompt(prompt, self._settings.prompt_limit)
        shown, contents = checked_images(images)
        message = Message.prompt(prompt, shown)
        ask = self._asking.ask(message, model)
        if also:
            self._asking.choose(self._asking.ask(message, also))
        return self._queue.submit(ask, contents, model=model, also=also)

    def send_waiting(self) -> Reply | None:
        """Send the prompt that waits first, whatever became of the reply before it; None if none waits or a reply runs.

        Those behind it follow, one after the other, also where they were held. Raises what `start` raises; all of them
        wait on then.
        """
        return self._queue.send_next()

    def take_back(self, waiting_id: int) -> WaitingPrompt:
        """Let a prompt wait no longer, and give it. The same prompt for another model, if there is one, waits on.

        Raises WaitingGone where it was sent or taken back meanwhile.
        """
        return self._store.waiting.take(self.owner, self.session_id, waiting_id)

    def edit(
        self, turn_id: int, prompt: str, *, images: Sequence[Given] | None = None, model: str | None = None
    ) -> Reply:
        """Ask something else in a turn's place, beside it: both are kept. Raises what `start` raises.

        Without other `images` those of the turn are sent again.
        """
        prompt = checked_prompt(prompt, self._settings.prompt_limit)
        before = self.turn(turn_id)
        shown, contents = (before.messages[0].images, {}) if images is None else checked_images(images)
        return self._asking.start(self._asking.ask(Message.prompt(prompt, shown), model), contents, beside=turn_id)

    def regenerate(self, turn_id: int, *, model: str | None = None) -> Reply:
        """Ask the same again, of another model if one is named, beside the turn: both are kept.

        Raises what `start` raises.
        """
        return self._asking.start(self._asking.ask(self._asked_in(turn_id), model), {}, beside=turn_id)

    def continue_(self, turn_id: int, *, model: str | None = None) -> Reply:
        """Have a reply go on where it ended: the model gets its text as the beginning of its answer.

        What comes is another reply beside it, that begins with the same text. Raises what `start` raises.
        """
        turn = self.turn(turn_id)
        if turn.status is Status.RUNNING:
            raise SessionBusy(self.session_id)
        ask = replace(self._asking.ask(self._asked_in(turn_id), model), kept=turn.reply)
        return self._asking.start(ask, {}, beside=turn_id)

    def keep(self, prompt: BaseMessage, model: BaseChatModel, window_turns: int) -> KeptTurn:
        """Open a turn that an agent of somebody's own answers; who calls this closes it. `WindowMemory` does.

        Raises what `start` raises.
        """
        return self._asking.keep(prompt, model, window_turns)

    def preview(self, prompt: str, *, images: Sequence[Given] = (), model: str | None = None) -> Context:
        """What would be sent with this prompt now, with its receipt: nothing is sent or kept.

        Raises PromptRefused, SessionNotFound.
        """
        shown, contents = checked_images(images)
        ask = self._asking.ask(Message.prompt(checked_prompt(prompt, self._settings.prompt_limit), shown), model)
        return self._asking.context(self._asking.choose(ask), ask, contents)

    def context(self, turn_id: int) -> Context | None:
        """What was sent in a turn, made again from its receipt; None for one that another program wrote.

        Its `model_settings` and `raw` estimate are not made again. Raises TurnNotFound.
        """
        turn = self.turn(turn_id)
        receipt = Receipt.of(turn)
        if receipt is None:
            return None
        texts = {kind: self._text(kind, getattr(receipt, kind)) for kind in TEXTS}
        told = Told(texts["system_prompt"], texts["summary"], receipt.parameters)
        kept, blind = turn.reply[: receipt.continued], receipt.unseen_images > 0
        ask = Ask(turn.messages[0], turn.model, receipt.window, told, kept=kept, blind=blind)
        seen = self._store.paths.before(self.owner, self.session_id, turn_id, receipt.depths)
        chosen = Chosen(seen, receipt, None)
        return make_context(chosen, ask, self._asking.contents(chosen, ask), {})

    def mark(self, turn_id: int, mark: Mark | None) -> None:
        """Pin a turn into the window, exclude it, or take either back. Counts from the next prompt on.

        Raises TurnNotFound, TooManyPinned.
        """
        self._store.marks.mark(self.owner, self.session_id, turn_id, mark)

    def rate(self, turn_id: int, rating: int | None) -> None:
        """1 for a good reply, -1 for a bad one, None takes it back. Raises TurnNotFound, SettingsInvalid."""
        if rating not in {1, -1, None}:
            raise SettingsInvalid(f"A rating is 1, -1 or None, not {rating!r}.")
        self._store.marks.rate(self.owner, self.session_id, turn_id, rating)

    def siblings(self, turn_id: int) -> Siblings:
        """The alternatives of a turn, itself among them. Raises TurnNotFound."""
        return self._store.branches.siblings(self.owner, self.session_id, turn_id)

    def switch(self, turn_id: int) -> None:
        """Go on from another branch: the one with this turn, where it was last used.

        Raises TurnNotFound, and SessionBusy while a reply runs.
        """
        self._parts.after_sweep(partial(self._store.branches.switch, self.owner, self.session_id, turn_id))

    def fork(self, new_id: str | None = None, *, turn_id: int | None = None) -> "Conversation":
        """A new session that begins with a copy of the active path, or of the path up to a turn.

        Without a name it gets one. Where a session of that name exists, it is left as it is. Raises PromptRefused for
        an impossible name, TurnNotFound.
        """
        new_id = new_name() if new_id is None else checked_name(new_id)
        self._store.branches.fork(self.owner, self.session_id, new_id, turn_id=turn_id)
        return Conversation(self.owner, new_id, self._parts)

    def _outlook(self) -> Chosen:
        return self._asking.choose(self._asking.ask(Message.prompt("")))

    def _text(self, kind: str, version: int | None) -> SessionText:
        if version is None:
            return NO_TEXT
        return SessionText(version, self._store.sessions.text(self.owner, self.session_id, kind, version))

    def _asked_in(self, turn_id: int) -> Message:
        """The prompt of a turn, as it is kept. Raises PromptRefused for one that has none."""
        first = self.turn(turn_id).messages[0]
        if first.sender is not Sender.HUMAN:
            raise PromptRefused("This turn begins with a reply: it has no prompt that could be asked again.")
        return first

    def _elsewhere(self, turn: Turn) -> Reply:
        return ReplyElsewhere(turn, self.owner, self.session_id, self._store, self._runner.sweep)

    def _known(self, idempotency_key: str) -> int | None:
        return self._store.paths.find(self.owner, self.session_id, idempotency_key)

    def _known_reply(self, turn_id: int, prompt: str) -> Reply:
        """The reply of a turn that is there already, whether it runs or has ended."""
        turn = self.turn(turn_id)
        if turn.prompt != prompt:
            raise PromptRefused("This idempotency key was used for another prompt: choose a new one for each prompt.")
        return self._runner.reply(turn_id) or self._elsewhere(turn)

    @property
    def session(self) -> Session:
        """As it is stored now. Raises SessionNotFound."""
        return self._store.sessions.get(self.owner, self.session_id)

    @property
    def revision(self) -> Hashable:
        """Changes whenever anything does that the store has of this session, but for the text of a running reply.

        Raises SessionNotFound.
        """
        return self.session, self._parts.due.held_up(self.owner, self.session_id)

    @property
    def waiting(self) -> tuple[WaitingPrompt, ...]:
        """The prompts that wait until the reply before them has ended, in the order in which they were submitted."""
        return self._store.waiting.all(self.owner, self.session_id)

    @property
    def held_up(self) -> str | None:
        """Why the prompt that is to be sent next could not be, in a sentence; None where nothing is wrong.

        None too where it is held, since the reply before failed or was interrupted.
        """
        return self._queue.held_up()

    @property
    def window(self) -> tuple[Turn, ...]:
        """The turns the model will see next, oldest first. Raises what `preview` raises."""
        return self._outlook().turns

    @property
    def outlook(self) -> Context:
        """What would be sent next, before there is a prompt. Raises what `preview` raises."""
        ask = self._asking.ask(Message.prompt(""))
        return self._asking.context(self._asking.choose(ask), ask, {})

    @property
    def view(self) -> Receipt:
        """What the model will see next, before there is a prompt. Raises what `preview` raises."""
        return self._outlook().receipt

    def turns(self, count: int, *, before: int | None = None, last: int | None = None) -> tuple[Turn, ...]:
        """The `count` newest turns of the active path, or those before the turn `before`, oldest first.

        `last` is the depth of the newest one to give; there is none where the path is shorter.
        """
        return self._store.paths.page(self.owner, self.session_id, count, before=before, until=last)

    def turns_of_all_branches(self, count: int, *, after: int = 0) -> tuple[Turn, ...]:
        """The first `count` turns that were made after the turn with the id `after`, in the order they were made."""
        return self._store.paths.of_all_branches(self.owner, self.session_id, count, after=after)

    def turn(self, turn_id: int) -> Turn:
        """One turn, on whichever branch. Raises TurnNotFound."""
        return self._store.paths.turn(self.owner, self.session_id, turn_id)

    def data_of(self, turns: Sequence[Turn]) -> dict[int, dict[str, Any]]:
        """What was kept with turns when they were started, by their ids; those that have nothing are not in it."""
        return self._store.client_data.of(self.owner, self.session_id, [turn.id for turn in turns])

    def images(self, turn: Turn) -> tuple[ImageFile, ...]:
        """Those of a turn's prompt, in order."""
        shown = turn.messages[0].images
        contents = self._store.images.contents(self.owner, self.session_id, [image.digest for image in shown])
        return tuple(ImageFile(image.name, contents[image.digest]) for image in shown if image.digest in contents)

    def alternatives(self, turns: Sequence[Turn]) -> dict[int, tuple[int, ...]]:
        """For each of these turns of one path that has alternatives, the ids of all of them, itself among them.

        Raises TurnNotFound.
        """
        return self._store.branches.alternatives(self.owner, self.session_id, turns)

    def to_frame(self) -> "pd.DataFrame":
        """All turns of the active path as a data frame, one row a turn; `agent.frame` says what the columns are."""
        return to_frame(self.turns(max(1, self.session.depth)))

    @property
    def running(self) -> Reply | None:
        """The reply that runs in this session, in whichever process.

        Where none does and a prompt is due, since who was to send it is gone, it is sent, in the background.
        """
        running = self._running()
        if running is None:
            self._queue.look()
        return running

    def _running(self) -> Reply | None:
        self._runner.sweep()
        turn = self._store.paths.running(self.owner, self.session_id)
        if turn is None:
            return None
        return self._runner.reply(turn.id) or self._elsewhere(turn)

    @property
    def window_turns(self) -> int:
        return self.window_turns_of(self.session)

    @property
    def model(self) -> str:
        """The name the session has chosen; `auto` if that was it."""
        return self.model_of(self.session)

    def choice(self) -> Choice:
        """The model that would answer now, and why."""
        return self._choice(self.session)

    def is_loading(self, model: str) -> bool:
        """Whether the model's server has yet to load it into memory. Takes up to a second."""
        return self._models.is_loading(model)

    def configure(
        self,
        *,
        model: str | None = None,
        second_model: str | None = None,
        window_turns: int | None = None,
        system_prompt: str | None = None,
        summary: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        """Set what this session overrides; None leaves a setting as it is. Counts from the next prompt on.

        `system_prompt` and `summary` (what was said before this session) are told to the model before the turns; ""
        ends that. `second_model` is one that prompts can be asked of too; "" ends that. `parameters` replace those that
        were set; `agent.parameters` says which there are. Raises SettingsInvalid, PromptRefused.
        """
        changes = checked_settings(
            self._settings,
            model=model,
            second_model=second_model,
            window_turns=window_turns,
            system_prompt=system_prompt,
            summary=summary,
            parameters=parameters,
        )
        self._store.sessions.set(self.owner, self.session_id, changes)

    def use(self, template: Template | None) -> None:
        """Take over what a template sets in place of what was set, or let go of it. Counts from the next prompt on.

        Raises SettingsInvalid, PromptRefused.
        """
        self._store.sessions.set(self.owner, self.session_id, settings_instead(template, self._settings))

    def pin(self, *, yes: bool = True) -> None:
        """Keep it at the top of the list, and out of clean-ups."""
        self._store.labels.pin(self.owner, self.session_id, yes=yes)

    def archive(self, *, yes: bool = True) -> None:
        """Take it out of the list; it is found all the same."""
        self._store.labels.archive(self.owner, self.session_id, yes=yes)

    def tag(self, *tags: str) -> None:
        """Raises PromptRefused for a tag that is blank or too long."""
        self._store.labels.tag(self.owner, self.session_id, *map(checked_tag, tags))

    def untag(self, *tags: str) -> None:
        self._store.labels.untag(self.owner, self.session_id, *map(checked_tag, tags))

    def end(self) -> None:
        """Let it take no prompt any more, until it is reopened. A reply that runs goes on."""
        self._store.labels.end(self.owner, self.session_id)

    def reopen(self) -> None:
        """Let it take prompts again; what was due meanwhile is sent, in the background."""
        self._store.labels.reopen(self.owner, self.session_id)
        self._parts.due.send(self.owner, self.session_id)

    def rename(self, title: str) -> None:
        """Raises PromptRefused for a title that is blank or not storable."""
        self._store.sessions.rename(self.owner, self.session_id, checked_title(title))

    def clear(self) -> None:
        """Delete all turns and keep the session. Raises SessionBusy while one runs."""
        self._parts.after_sweep(partial(self._store.sessions.clear, self.owner, self.session_id))

    def delete(self) -> None:
        """Delete the session and all that is in it; a running reply is stopped first.

        Raises SessionBusy where that takes too long: nothing is deleted then, and what waits is held.
        """
        deadline = time.monotonic() + LAST_WORDS
        while True:
            try:
                return self._store.sessions.delete(self.owner, self.session_id)
            except SessionBusy:
                self._store.waiting.hold(self.owner, self.session_id)  # Else the next one would follow.
                if running := self._running():
                    running.stop()
                    if not running.wait_for_end(deadline - time.monotonic()):
                        raise

    def _choice(self, session: Session) -> Choice:
        return self._models.choose(self.model_of(session))

    def model_of(self, session: Session) -> str:
        """The model's name, from the session as it was read before."""
        return model_of(session, self._settings)

    def second_model_of(self, session: Session) -> str:
        """The other model that prompts can be asked of too; "" for none."""
        return str(session.settings.get("second_model", ""))

    def window_turns_of(self, session: Session) -> int:
        """The size of the window, from the session as it was read before."""
        return window_turns_of(session, self._settings)

    def __repr__(self) -> str:
        return f"<Conversation “{self.session_id}” of {self.owner}>"
