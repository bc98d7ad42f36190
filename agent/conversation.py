"""A conversation: one session, and the life of each of its turns. `start` is the main path."""

import asyncio
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langgraph.graph.state import CompiledStateGraph

from agent.context import Context, Told, make_context, make_receipt
from agent.elsewhere import ReplyElsewhere
from agent.errors import ModelFailed, PromptRefused
from agent.frame import to_frame
from agent.models import Choice, Models
from agent.prompt import checked_name, checked_prompt, checked_tag, checked_title, storable
from agent.reply import Reply
from agent.runner import Runner
from agent.settings import Settings, checked_settings
from storage import (
    Message,
    OpenedTurn,
    Outcome,
    Sender,
    Session,
    SessionBusy,
    Siblings,
    Status,
    Store,
    StoreError,
    Turn,
    TurnExists,
    TurnNotFound,
    WindowseatError,
)

if TYPE_CHECKING:
    import pandas as pd

CLOSE_AGAIN = 1.0
"""Seconds between two tries to close a turn in a store that can't."""

MOST_TOKENS = 2**31

LAST_WORDS = 5.0
"""How long deleting a session waits for its running reply to be stopped, in seconds."""

T = TypeVar("T")
Graph = CompiledStateGraph[Any, Any, Any, Any]


class Conversation:
    """One session of one owner. It holds no state but names: two of them for one session agree."""

    def __init__(
        self,
        owner: str,
        session_id: str,
        *,
        store: Store,
        runner: Runner,
        models: Models,
        graph: Callable[[str], Graph],
        settings: Settings,
    ) -> None:
        self.owner = owner
        self.session_id = session_id
        self._store = store
        self._runner = runner
        self._models = models
        self._graph = graph
        self._settings = settings

    def send(self, prompt: str) -> Reply:
        """Ask, and wait for the whole reply. Raises WindowseatError; what came of a reply is kept all the same."""
        return self.start(prompt).finish()

    def stream(self, prompt: str) -> Iterator[str]:
        """Ask, and give the text as it arrives. Leaving early does not end the reply; interrupting does."""
        reply = self.start(prompt)
        try:
            yield from reply.follow()
        except KeyboardInterrupt:
            reply.stop()
            raise

    def start(self, prompt: str, *, beside: int | None = None, idempotency_key: str | None = None) -> Reply:
        """Ask, and return at once, with the prompt on the disk and the reply running.

        With `beside`, the turn becomes another continuation next to that turn. A prompt that was sent with the
        same `idempotency_key` before is not asked again: its reply is returned, in whatever state it is. Raises
        PromptRefused, SessionNotFound, SessionBusy, SessionEnded, TurnNotFound, ModelUnknown, StoreError; nothing is
        kept then.
        """
        prompt = checked_prompt(prompt, self._settings.prompt_limit)
        process = self._runner.process_id
        if idempotency_key is not None and (known := self._known(checked_name(idempotency_key))) is not None:
            return self._known_reply(known, prompt)
        session = self.session
        model = self._choice(session).model
        graph = self._graph(model)
        size = self.window_turns_of(session)
        told = Told.of(session)
        open_turn = partial(
            self._store.turns.open,
            self.owner,
            self.session_id,
            Message(Sender.HUMAN, prompt),
            model=model,
            window=size,
            process_id=process,
            beside=beside,
            idempotency_key=idempotency_key,
            receipt=lambda before, depth: make_receipt(before, size=size, depth=depth, told=told).to_json(),
        )
        try:
            opened = self._after_sweep(open_turn)
        except TurnExists as error:
            return self._known_reply(error.turn_id, prompt)
        try:
            receipt = make_receipt(opened.window, size=size, depth=opened.depth, told=told)
            settings = self._models.settings_for(model, told.parameters)
            context = make_context(opened.window, prompt, receipt, told=told, model_settings=settings)
            reply = Reply(opened.id, prompt, model, receipt)
            self._runner.launch(reply, self._live(opened, context, reply, graph))
        except BaseException as error:
            self._store.turns.close(opened, Outcome(Status.FAILED, error=f"The reply could not begin: {error}"))
            raise
        return reply

    def edit(self, turn_id: int, prompt: str) -> Reply:
        """Ask something else in a turn's place, beside it: both are kept. Raises what `start` raises."""
        return self.start(prompt, beside=turn_id)

    def regenerate(self, turn_id: int) -> Reply:
        """Ask the same again, beside the turn: both are kept. Raises what `start` raises."""
        return self.edit(turn_id, self._store.paths.turn(self.owner, self.session_id, turn_id).prompt)

    def siblings(self, turn_id: int) -> Siblings:
        """The alternatives of a turn, itself among them. Raises TurnNotFound."""
        return self._store.branches.siblings(self.owner, self.session_id, turn_id)

    def switch(self, turn_id: int) -> None:
        """Go on from another branch: the one with this turn, where it was last used.

        Raises TurnNotFound, and SessionBusy while a reply runs.
        """
        self._after_sweep(partial(self._store.branches.switch, self.owner, self.session_id, turn_id))

    def fork(self, new_id: str, *, turn_id: int | None = None) -> "Conversation":
        """A new session that begins with a copy of the active path, or of the path up to a turn.

        Where a session of that name exists, it is left as it is. Raises PromptRefused for an impossible name,
        TurnNotFound.
        """
        self._store.branches.fork(self.owner, self.session_id, checked_name(new_id), turn_id=turn_id)
        fork = copy(self)
        fork.session_id = new_id
        return fork

    def _after_sweep(self, act: Callable[[], T]) -> T:
        """Do something that a running turn forbids; where one does, see whether anybody still runs it."""
        try:
            return act()
        except SessionBusy:
            self._runner.sweep()
            return act()

    def _elsewhere(self, turn: Turn) -> Reply:
        return ReplyElsewhere(turn, self.owner, self.session_id, self._store, self._runner.sweep)

    def _known(self, idempotency_key: str) -> int | None:
        return self._store.paths.find(self.owner, self.session_id, idempotency_key)

    def _known_reply(self, turn_id: int, prompt: str) -> Reply:
        """The reply of a turn that is there already, whether it runs or has ended."""
        turn = self._store.paths.turn(self.owner, self.session_id, turn_id)
        if turn.prompt != prompt:
            raise PromptRefused("This idempotency key was used for another prompt: choose a new one for each prompt.")
        return self._runner.reply(turn_id) or self._elsewhere(turn)

    async def _live(self, opened: OpenedTurn, context: Context, reply: Reply, graph: Graph) -> None:
        """Run the model until it ends or is hung up on, close the turn, and only then end the reply."""
        loop = asyncio.get_running_loop()
        answer = asyncio.create_task(self._answer(context, reply, graph))
        reply.can_be_stopped_by(partial(loop.call_soon_threadsafe, answer.cancel))
        await asyncio.wait([answer])
        status, failure = self._judge(answer, reply)
        usage = {} if answer.cancelled() or answer.exception() else answer.result()
        outcome = Outcome(
            status=status,
            messages=(Message(Sender.AI, reply.text),) if reply.text else (),
            first_text_at=reply.first_text_at,
            input_tokens=_counted(usage.get("input_tokens")),
            output_tokens=_counted(usage.get("output_tokens")),
            error=None if failure is None else storable(str(failure)),
        )
        reply.end(await self._closed(opened, outcome, reply), failure)

    async def _closed(self, opened: OpenedTurn, outcome: Outcome, reply: Reply) -> Status:
        """Close the turn, trying for as long as the store can't; the status that stands."""
        while True:
            try:
                return await self._runner.write(partial(self._store.turns.close, opened, outcome))
            except TurnNotFound:
                return outcome.status  # The session was deleted, by somebody who was asked whether they were sure.
            except StoreError as error:
                reply.trouble = str(error)
                await asyncio.sleep(CLOSE_AGAIN)

    async def _answer(self, context: Context, reply: Reply, graph: Graph) -> dict[str, Any]:
        """Feed the model's text to the reply; the result is its token counts, {} where it gave none."""
        usage: UsageMetadata | None = None
        stream = graph.astream({"messages": [context.prompt]}, context=context, stream_mode="messages")
        async for chunk, _ in stream:
            # A model that doesn't stream gives its whole message instead of chunks of it.
            if isinstance(chunk, AIMessage):
                reply.add(storable(chunk.text))
                usage = add_usage(usage, chunk.usage_metadata)
        return dict(usage or {})

    def _judge(
        self, answer: "asyncio.Task[dict[str, Any]]", reply: Reply
    ) -> tuple[Status, WindowseatError | str | None]:
        if answer.cancelled():
            if reply.stop_asked:
                return Status.STOPPED, None
            return Status.INTERRUPTED, "The program was closed before the reply ended."
        match answer.exception():
            case None:
                return Status.COMPLETE, None
            case WindowseatError() as error:
                return Status.FAILED, error
            case error:
                return Status.FAILED, ModelFailed(
                    f"{reply.model} failed: {storable(str(error)) or type(error).__name__}"
                )

    @property
    def session(self) -> Session:
        """As it is stored now. Raises SessionNotFound."""
        return self._store.sessions.get(self.owner, self.session_id)

    @property
    def window(self) -> tuple[Turn, ...]:
        """The turns the model will see next, oldest first."""
        return self.turns(self.window_turns)

    def turns(self, count: int, *, before: int | None = None) -> tuple[Turn, ...]:
        """The `count` newest turns of the active path, or those before the turn `before`, oldest first."""
        return self._store.paths.page(self.owner, self.session_id, count, before=before)

    def to_frame(self) -> "pd.DataFrame":
        """All turns of the active path as a data frame, one row a turn; `agent.frame` says what the columns are."""
        return to_frame(self.turns(max(1, self.session.depth)))

    @property
    def running(self) -> Reply | None:
        """The reply that runs in this session, in whichever process."""
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
        window_turns: int | None = None,
        system_prompt: str | None = None,
        summary: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        """Set what this session overrides; None leaves a setting as it is. Counts from the next prompt on.

        `system_prompt` and `summary` (what was said before this session) are told to the model before the turns; ""
        ends that. `parameters` replace those that were set; `agent.parameters` says which there are. Raises
        SettingsInvalid, PromptRefused.
        """
        changes = checked_settings(
            self._settings,
            model=model,
            window_turns=window_turns,
            system_prompt=system_prompt,
            summary=summary,
            parameters=parameters,
        )
        self._store.sessions.set(self.owner, self.session_id, changes)

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
        self._store.labels.reopen(self.owner, self.session_id)

    def rename(self, title: str) -> None:
        """Raises PromptRefused for a title that is blank or not storable."""
        self._store.sessions.rename(self.owner, self.session_id, checked_title(title))

    def clear(self) -> None:
        """Delete all turns and keep the session. Raises SessionBusy while one runs."""
        self._after_sweep(partial(self._store.sessions.clear, self.owner, self.session_id))

    def delete(self) -> None:
        """Delete the session and all that is in it; a running reply is stopped first."""
        if running := self.running:
            running.stop()
            running.wait_for_end(LAST_WORDS)
        self._store.sessions.delete(self.owner, self.session_id)

    def _choice(self, session: Session) -> Choice:
        return self._models.choose(self.model_of(session))

    def model_of(self, session: Session) -> str:
        """The model's name, from the session as it was read before."""
        return str(session.settings.get("model", self._settings.model))

    def window_turns_of(self, session: Session) -> int:
        """The size of the window, from the session as it was read before."""
        return int(session.settings.get("window_turns", self._settings.window_turns))

    def __repr__(self) -> str:
        return f"<Conversation “{self.session_id}” of {self.owner}>"


def _counted(tokens: object) -> int | None:
    """What a server says it counted, if that can be."""
    return tokens if isinstance(tokens, int) and 0 <= tokens < MOST_TOKENS else None
