"""The agent: settings, store, models and runner, wired once."""

import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel

from agent.access import Access
from agent.context import Context
from agent.conversation import Conversation
from agent.daily import Daily
from agent.due import Due, HeldUp
from agent.errors import AgentClosed, OfferGone, SettingsInvalid
from agent.exporting import Export, Told
from agent.importing import Importing
from agent.imports import Imports
from agent.loading import Loading
from agent.memory import GivenContext
from agent.models import Catalogue, Choice, Models
from agent.offers import Offers
from agent.ollama import HeldModel, OllamaModel, Pull
from agent.parts import Graph, Parts
from agent.prompt import checked_name, checked_owner, checked_prompt, findable_name, new_name, storable
from agent.runner import Runner
from agent.settings import Setting, Settings, checked_settings, in_force
from agent.templates import BUILT_IN, checked_template, settings_from
from agent.tokens import Corrections
from agent.waiting import Queue
from agent.watchers import Ended, Watchers
from storage import (
    MOST_DAYS,
    Clock,
    Deleted,
    Figures,
    Filters,
    Findings,
    Milestone,
    Order,
    Place,
    RecentTurn,
    Session,
    SessionFilters,
    SessionPage,
    SessionPlace,
    Store,
    Template,
    Themes,
    Totals,
    Unused,
    as_tag,
    system_clock,
)
from storage.transfer import Form, Report, check_name, form_in, form_of

T = TypeVar("T", Filters, SessionFilters)

CORRECTION, CONTEXT = "tokens of ", "context of "
MILLION = 1_000_000
"""The store keeps whole numbers."""

LOCAL = "local"
"""The owner of all sessions when nobody signs in."""


@dataclass(frozen=True, slots=True)
class Stats:
    """An owner's figures: what is stored now, and what was used in a range of days."""

    totals: Totals
    used: Figures


class Agent:
    """Opens conversations, lists them, counts them. Any number of threads may use it; who makes it closes it.

        with Agent() as agent:
            agent.conversation("lisbon").send("I go to Lisbon in May.")

    Replies that run when it is closed end as `interrupted`, with the text they had.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        owner: str = LOCAL,
        models: Mapping[str, BaseChatModel] | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """Open the store. Without settings they are read from the environment and `.env`.

        `models` are LangChain models of your own, by the names under which sessions can choose them.

        `clock` says when something is stored. Raises SettingsInvalid, StoreError.
        """
        self.settings = settings or Settings.read()
        self.owner = self._home = owner
        self._store = Store(self.settings.database_url, clock=clock)
        self._models = Models(
            self.settings, models, known=partial(self._known, CONTEXT), keep=partial(self._keep, CONTEXT)
        )
        try:
            self._store.running.sweep()
        except BaseException:
            self._store.close()
            raise
        self._runner = Runner(self._store)
        corrections = Corrections(partial(self._known, CORRECTION), partial(self._keep, CORRECTION))
        self._parts = Parts(
            self._store,
            self._runner,
            self._models,
            self._graph,
            corrections,
            self.settings,
            Due(self._runner, self._send_due),
            Watchers(),
        )
        self._daily = Daily(self._clean_up_daily) if self.settings.cleanup_days else None
        self._graphs: dict[str, Graph] = {}
        self._offers = Offers()
        self._imports = Imports(self._store)
        self._lock = threading.Lock()
        self._closing = threading.Lock()
        self._closed = self._is_view = False

    def of(self, owner: str) -> "Agent":
        """The same agent for another owner: it shares store, models and running replies, and ends with this one.

        Raises PromptRefused for a name that no owner can have.
        """
        other = copy(self)
        other.owner = checked_owner(owner)
        other._is_view = True  # noqa: SLF001 - it is of our own kind
        return other

    @property
    def access(self) -> Access:
        """Tokens, and who may come in."""
        return Access(self._store, self._home)

    def conversation(
        self, session_id: str | None = None, *, template: str | None = None, summary: str = ""
    ) -> Conversation:
        """The session of that name, started if there is none; without a name a new one.

        A new one can begin with a template, and with a `summary` of what was said before, which the model is told.
        Raises PromptRefused for an impossible name or summary, TemplateNotFound.
        """
        settings = settings_from(self.template(template), self.settings) if template is not None else {}
        if summary:
            settings |= checked_settings(self.settings, summary=summary)
        name = new_name() if session_id is None else checked_name(session_id)
        self._store.sessions.start(self.owner, name, settings)
        return self._conversation(name)

    def find(self, session_id: str) -> Conversation:
        """The session of that name. Raises SessionNotFound."""
        self._store.sessions.get(self.owner, findable_name(session_id))
        return self._conversation(session_id)

    def find_key(self, key: int) -> Conversation:
        """The session with that `Session.key`. Raises SessionNotFound."""
        return self._conversation(self._store.sessions.named(self.owner, key))

    def begin(self, *, template: str | None = None) -> Conversation:
        """A session to begin with: the newest one if it was begun so and nothing was said in it yet, else a new one.

        With a template it is always a new one. Raises TemplateNotFound.
        """
        newest = self.current()
        if newest is not None and template is None and _is_untouched(newest):
            return self._conversation(newest.session_id)
        return self.conversation(template=template)

    def current(self) -> Session | None:
        """The session used last, of those that were neither ended nor archived."""
        return self._store.sessions.current(self.owner)

    def sessions(
        self,
        titled: str = "",
        filters: SessionFilters | None = None,
        *,
        order: Order = Order.ACTIVITY,
        count: int = 50,
        after: SessionPlace | None = None,
    ) -> SessionPage:
        """A page of sessions; without filters those that are not archived, the pinned first and then the last used.

        `titled` keeps those whose title holds its words. `after` is that of the page before.
        """
        filters = filters or SessionFilters()
        if titled:
            filters = replace(filters, titled=titled)
        filters = _storable(filters)
        return self._store.sessions.page(self.owner, filters, order=order, count=count, after=after)

    def active(self, *, count: int = 50, after: SessionPlace | None = None) -> SessionPage:
        """A page of the sessions that were used within the idle time and not ended, in the order of the list."""
        since = datetime.now(UTC) - timedelta(minutes=self.settings.idle_minutes)
        return self.sessions("", SessionFilters(archived=None, ended=False, since=since), count=count, after=after)

    def recent(self, count: int = 10) -> tuple[RecentTurn, ...]:
        """The last turns of all sessions, the newest first."""
        return self._store.paths.recent(self.owner, count)

    def tags(self) -> dict[str, int]:
        """All tags, in order, and how many sessions have each."""
        return self._store.labels.tags(self.owner)

    def delete(self, *session_ids: str) -> Deleted:
        """Delete sessions for good. Those in which a reply runs are kept, and named, and so are names of none."""
        self._runner.sweep()
        return self._store.cleanup.delete(self.owner, map(storable, session_ids))

    def unused(self, days: float = 30, *, archived_too: bool = False, count: int = 50) -> Unused:
        """What `clean_up` would delete now, with the `count` sessions that were not used for the longest time."""
        return self._store.cleanup.unused(self.owner, days=_checked_days(days), archived_too=archived_too, count=count)

    def clean_up(self, days: float = 30, *, archived_too: bool = False) -> Deleted:
        """Delete the sessions not used for so many days; pinned ones stay, and archived ones unless asked for.

        Raises SettingsInvalid for a number of days that is none.
        """
        return self._store.cleanup.clean_up(self.owner, days=_checked_days(days), archived_too=archived_too)

    def search(
        self,
        typed: str,
        filters: Filters | None = None,
        *,
        best: bool = False,
        count: int = 20,
        after: Place | None = None,
    ) -> Findings:
        """Up to `count` hits in titles, prompts and replies, newest first or, with `best`, the best of the newest.

        A word finds that word, `begin*` the words that begin so, and `"a phrase"` words next to each other; whatever is
        typed is a search. `after` is that of the page before. Raises SessionNotFound.
        """
        return self._store.search.find(
            self.owner, storable(typed), _storable(filters or Filters()), best=best, count=count, after=after
        )

    def templates(self, tag: str | None = None) -> tuple[Template, ...]:
        """Those with the tag, or all, in the order in which they were made; some come with the program."""
        self._store.templates.give(self.owner, BUILT_IN)
        found = self._store.templates.all(self.owner)
        return tuple(template for template in found if tag is None or as_tag(tag) in template.tags)

    def template(self, name: str) -> Template:
        """Raises TemplateNotFound."""
        self._store.templates.give(self.owner, BUILT_IN)
        return self._store.templates.get(self.owner, storable(name))

    def add_template(self, template: Template) -> None:
        """Raises PromptRefused, SettingsInvalid, TemplateExists."""
        self._store.templates.give(self.owner, BUILT_IN)
        self._store.templates.add(self.owner, checked_template(template, self.settings))

    def change_template(self, name: str, template: Template) -> None:
        """Put another in its place. Sessions that began with it keep what they took.

        Raises PromptRefused, SettingsInvalid, TemplateNotFound, TemplateExists.
        """
        self._store.templates.change(self.owner, storable(name), checked_template(template, self.settings))

    def delete_template(self, name: str) -> None:
        """Raises TemplateNotFound."""
        self._store.templates.delete(self.owner, storable(name))

    def stats(
        self,
        days: int | None = None,
        *,
        since: date | None = None,
        until: date | None = None,
        session: str | None = None,
    ) -> Stats:
        """What is stored, and what was used: in the last `days`, or from one day to another, or ever; or in a session.

        Raises SessionNotFound, SettingsInvalid.
        """
        since = _first_day(days, since, until)
        totals = self._store.usage.totals(self.owner, idle=timedelta(minutes=self.settings.idle_minutes))
        return Stats(totals, self._store.usage.figures(self.owner, session, since=since, until=until))

    def themes(
        self,
        days: int | None = None,
        *,
        since: date | None = None,
        until: date | None = None,
        session: str | None = None,
        count: int = 8,
    ) -> Themes:
        """What was asked about, by week: words that come up, words that fade, and the others, up to `count` of each.

        The range is as that of `stats`. Of many prompts an even share is read, and `share` says so. Raises
        SessionNotFound, SettingsInvalid.

            for theme in agent.themes(days=90).rising:
                print(theme.text, theme.counts)
        """
        since = _first_day(days, since, until)
        return self._store.themes.find(self.owner, session, since=since, until=until, count=count)

    def milestones(self) -> tuple[Milestone, ...]:
        """The first session and the longest, the busiest day and week, the longest streak, the last round turn."""
        return self._store.milestones.all(self.owner)

    def begin_export(self, sessions: str | Sequence[str] | None = None, *, form: Form | str = Form.JSON) -> Export:
        """Sessions by their names, or all, in one of the forms in which they are taken along, to be read in pieces.

        Raises SessionNotFound, TransferRefused.
        """
        return Export(self._store, self.owner, sessions, form_of(form))

    def export(
        self,
        path: Path | str,
        sessions: str | Sequence[str] | None = None,
        *,
        form: Form | str | None = None,
        told: Told | None = None,
    ) -> Path:
        """Write sessions by their names, or all, into a file; its name says the form, where that is not given.

            agent.export("lisbon.html", "lisbon")
            agent.export("everything.json")
            agent.export("both.zip", ["lisbon", "porto"], form="markdown")

        `told` is called with how many are done, and of how many. Raises SessionNotFound, StoreError, and
        TransferRefused where the file can't be written.
        """
        target = Path(path).expanduser()
        export = self.begin_export(sessions, form=form or form_in(target))
        check_name(target, export.file_name)
        export.save(target, told)
        return target

    def offer(self, export: Export) -> str:
        """A key under which it can be fetched from the API for ten minutes, by whoever has it."""
        return self._offers.keep(export)

    def offered(self, key: str) -> Export:
        """Of whichever owner, as long as they could come in themselves. Raises OfferGone."""
        export = self._offers.find(key)
        if not self.access.is_known(export.owner):
            raise OfferGone
        return export

    def begin_import(
        self, source: Path | str, *, dry_run: bool = False, table: str | None = None, awaited: bool = False
    ) -> Importing:
        """As `import_`, in the background: watched, cancelled and waited for by whoever wants to.

        Where it is `awaited`, whoever began it is told the end, and it is never the `last_import`.
        """
        return self._imports.begin(self.owner, source, dry_run=dry_run, table=table, awaited=awaited)

    def import_(
        self,
        source: Path | str,
        *,
        dry_run: bool = False,
        table: str | None = None,
        told: Callable[[Importing], object] | None = None,
    ) -> Report:
        """Take conversations in: of our own file, of ChatGPT's, Claude's or Open WebUI's, or of LangChain's `table`.

            print(agent.import_("conversations.zip", dry_run=True))
            agent.import_("sqlite:///history.db")

        What is there already is left as it is; what is broken costs only itself, and is named in the report. `told` is
        called now and then. Interrupting it leaves what came in until then. Raises TransferRefused, StoreError.
        """
        return self.begin_import(source, dry_run=dry_run, table=table, awaited=True).finish(told)

    def imports(self) -> tuple[Importing, ...]:
        """What is being taken in for this owner."""
        return self._imports.of(self.owner)

    @property
    def last_import(self) -> Importing | None:
        """The one of `begin_import` that ended last for this owner, however it ended, until somebody forgets it.

        Dry runs and imports that were awaited are none. It is gone with the process.
        """
        return self._imports.last(self.owner)

    def forget_import(self, job: Importing) -> None:
        """Its end was seen: it is not the `last_import` any more. Another that ended since stays."""
        self._imports.forget(job)

    def models(self) -> Catalogue:
        """What can be chosen now. Takes two seconds at most."""
        return self._models.catalogue()

    def choose(self, model: str) -> Choice:
        """What `auto`, or another name, comes to now, and why."""
        return self._models.choose(model)

    def pull(self, model: str) -> Pull:
        """Get a model from Ollama's library, in the background; the same one while it is on its way.

        Following it, or waiting for its end, raises what goes wrong. Raises ModelUnknown for no name.

            for step in agent.pull("llama3.2:3b").follow():
                print(step.doing, step.done, step.total)
        """
        return self._models.pull(model)

    def can_pull(self, model: str) -> bool:
        """Whether it is one that the Ollama server has not got yet. Takes two seconds at most."""
        return self._models.can_pull(model)

    def pulls(self) -> tuple[Pull, ...]:
        """Models on their way."""
        return self._models.pulls()

    def load(self, model: str) -> None:
        """Have an Ollama model in memory, so that its first reply needs not wait for that. Raises ModelError."""
        self.begin_loading(model).finish()

    def begin_loading(self, model: str) -> Loading:
        """As `load`, in the background; the same one while it is on its way. `finish` raises what goes wrong.

        Raises AgentClosed.
        """
        return self._models.begin_loading(model, self._runner.launch_aside)

    def loadings(self) -> tuple[Loading, ...]:
        """Models on their way into memory because somebody asked for that; a prompt's own are not among them."""
        return self._models.loadings()

    def unload(self, model: str) -> None:
        """Have the memory of an Ollama model back. Raises ModelError."""
        self._models.unload(model)

    def loaded(self) -> dict[str, int | None]:
        """The Ollama models in memory, with the context length each has there. Raises ModelError."""
        return self._models.loaded()

    def in_memory(self) -> tuple[HeldModel, ...] | None:
        """As `loaded`, remembered for some seconds and with until when; None where no server says. Raises nothing."""
        return self._models.in_memory()

    def context_asked(self, model: OllamaModel) -> int:
        """The context length, in tokens, that the model is asked for at every turn."""
        return self._models.context_asked(model)

    def look_again(self) -> None:
        """Have the next question about models go to the Ollama server, whatever it said just now."""
        self._models.look_again()

    @property
    def running(self) -> int:
        """How many replies run in this process, whoever's they are."""
        return self._runner.running

    def watch(self, told: Callable[[Ended], None]) -> None:
        """Be told of each reply of this process that ends, whoever's it is, on the thread where replies run."""
        self._parts.watchers.add(told)

    def check_health(self) -> None:
        """Raises AgentClosed, and StoreError where the database can't be read."""
        if self._closed:
            raise AgentClosed
        self._store.tokens.any()

    @property
    def defaults(self) -> tuple[Setting, ...]:
        """The settings in force, one for each variable, without secrets."""
        return in_force(self.settings, database_url=self.database)

    @property
    def database(self) -> str:
        """The address of the database, without a password."""
        return self._store.name

    def close(self) -> None:
        """End what runs, then give back threads and connections; who closes it meanwhile waits for that.

        Closing twice does nothing, nor does closing what `of` gave.
        """
        if self._is_view:
            return
        with self._closing:
            if not self._closed:
                self._closed = True
                self._end()

    def _end(self) -> None:
        if self._daily is not None:
            self._daily.close()
        self._imports.close()
        try:
            self._runner.close(self._models.aclose)
        finally:
            self._store.close()

    def check_prompt(self, prompt: str) -> None:
        """Raise PromptRefused for a prompt that no session would take."""
        checked_prompt(prompt, self.settings.prompt_limit)

    def check_settings(self, **given: Any) -> None:
        """Raise what `Conversation.configure` would raise for these."""
        checked_settings(self.settings, **given)

    def __repr__(self) -> str:
        return f"<Agent of {self.owner} on {self.database}>"

    def _clean_up_daily(self) -> None:
        for owner in {self.owner, *(token.owner for token in self._store.tokens.all())}:
            self._store.cleanup.clean_up_daily(owner, days=self.settings.cleanup_days)

    def _known(self, what: str, model: str) -> float | None:
        kept = self._store.notes.number(f"{what}{model}")
        return None if kept is None else kept / MILLION

    def _keep(self, what: str, model: str, number: float) -> None:
        self._store.notes.keep(f"{what}{storable(model)}", round(number * MILLION))

    def _send_due(self, owner: str, session_id: str) -> HeldUp | None:
        return Queue(owner, session_id, self._parts).send_due()

    def _conversation(self, session_id: str) -> Conversation:
        return Conversation(self.owner, session_id, self._parts)

    def _graph(self, model: str) -> Graph:
        """LangChain's agent for a model, made at its first turn: compiling takes milliseconds."""
        with self._lock:
            if model not in self._graphs:
                chat_model = self._models.chat_model(model)
                self._graphs[model] = create_agent(chat_model, middleware=[GivenContext()], context_schema=Context)
            return self._graphs[model]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _storable(filters: T) -> T:
    """The same, with texts that the database can be asked for."""
    given = {field.name: getattr(filters, field.name) for field in fields(filters)}
    texts: dict[str, Any] = {name: storable(value) for name, value in given.items() if type(value) is str}
    return replace(filters, **texts)


def _first_day(days: int | None, since: date | None, until: date | None) -> date | None:
    """Of a range that is given by its days or by its first one. Raises SettingsInvalid."""
    if days is None:
        return since
    if since is not None:
        raise SettingsInvalid("Give days or since, not both.")
    return (until or datetime.now(UTC).astimezone().date()) - timedelta(days=_checked_days(days) - 1)


def _checked_days(days: float) -> float:
    """Raises SettingsInvalid for what is no number of days that sessions can be unused for."""
    if not 0 < days <= MOST_DAYS:
        raise SettingsInvalid(f"days is {days!r}, but it should be more than 0 and at most {MOST_DAYS:,}.")
    return days


def _is_untouched(session: Session) -> bool:
    """Whether it was begun without a name, and nothing was said or set in it."""
    unnamed = len(session.session_id) == len(new_name()) and session.session_id.count("-") == 4  # noqa: PLR2004
    return unnamed and not (session.message_count or session.title or session.settings)
