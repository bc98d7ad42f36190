"""What goes over the wire: requests, checked, and answers. Times are ISO 8601 in UTC; lengths are in characters."""

import base64
import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from agent import (
    Catalogue,
    Context,
    Conversation,
    Fate,
    Figures,
    Hit,
    ImageFile,
    Importing,
    Kind,
    Mark,
    OllamaModel,
    Progress,
    PromptRefused,
    Receipt,
    RecentTurn,
    Report,
    Session,
    SessionPage,
    Spread,
    Stats,
    Status,
    Template,
    Turn,
    WaitingPrompt,
)

MOST = 2**63 - 1
"""The largest number that a database keeps."""

Text = Annotated[str, StringConstraints(max_length=10_000_000)]
Key = Annotated[int, Field(ge=1, le=MOST)]

MOST_DATA = 64_000
"""Characters of what a client may keep with a turn, as JSON: each page of turns has it."""

DEEPEST = 20
"""How far what a client keeps with a turn may be nested."""


def _kept(data: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError for what could be taken once, but never be given back."""
    if _is_deeper(data, DEEPEST):
        message = f"it should be nested {DEEPEST} deep at most"
        raise ValueError(message)
    try:
        said = json.dumps(data, allow_nan=False, ensure_ascii=False)
        said.encode()
    except ValueError as error:
        message = "it should hold no NaN, no Infinity and no half of a character"
        raise ValueError(message) from error
    if len(said) > MOST_DATA:
        message = f"it should have {MOST_DATA:,} characters at most"
        raise ValueError(message)
    return data


def _is_deeper(value: Any, than: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return than == 0 or any(_is_deeper(part, than - 1) for part in parts)


def _said(text: str) -> str:
    if not text.strip() or "\0" in text:
        message = "it should not be blank, nor hold a NUL character"
        raise ValueError(message)
    return text


def _addressable(name: str) -> str:
    if "/" in name or name in _ADDRESSES:
        message = "it should hold no slash, nor be “.”, “..”, “current” or “active”, which are addresses of their own"
        raise ValueError(message)
    return name


_ADDRESSES = {".", "..", "current", "active"}

Data = Annotated[dict[str, Any], AfterValidator(_kept)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_said)]
NewName = Annotated[Name, AfterValidator(_addressable), Field(json_schema_extra={"pattern": "^[^/]+$"})]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_said)]


class Given(BaseModel):
    """A request. What it does not know it refuses: a misspelt field is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Problem(Shown):
    """What went wrong (RFC 9457). `detail` is one sentence that a person can act on."""

    type: str = Field(default="about:blank", description="urn:windowseat:… names the error; about:blank is HTTP's own.")
    title: str
    status: int
    detail: str
    turn_id: int | None = Field(default=None, description="The turn that is kept although its reply failed.")


class Detail(Shown):
    """What went wrong, as the earlier back ends say it."""

    detail: str


class ImageGiven(Given):
    """An image that goes with a prompt: PNG, JPEG, GIF or WebP."""

    name: Name = "image"
    content: str = Field(description="Base64.", max_length=28_000_000)

    def opened(self) -> ImageFile:
        """Raises PromptRefused."""
        try:
            return ImageFile(self.name, base64.b64decode(self.content, validate=True))
        except ValueError as error:
            message = f"The image {self.name!r} is not in base64."
            raise PromptRefused(message) from error


class PromptGiven(Given):
    prompt: Text
    images: list[ImageGiven] = Field(default_factory=list, max_length=8)
    model: Name | None = Field(default=None, description="Answers this once; without it, the session's.")

    @property
    def opened(self) -> list[ImageFile]:
        return [image.opened() for image in self.images]


class Send(PromptGiven):
    beside: Key | None = Field(default=None, description="A turn: this becomes another continuation next to it.")
    data: Data = Field(default_factory=dict, description="Kept with the turn for you; no model sees it.")


class Submit(PromptGiven):
    also: Name | None = Field(default=None, description="Another model, that is asked the same next, beside it.")


class Edit(Given):
    prompt: Text
    images: list[ImageGiven] | None = Field(default=None, max_length=8, description="Without it those of the turn.")
    model: Name | None = None

    @property
    def opened(self) -> list[ImageFile] | None:
        return None if self.images is None else [image.opened() for image in self.images]


class Again(Given):
    model: Name | None = Field(default=None, description="Without it the session's.")


class Rating(Given):
    rating: Literal[1, -1] | None = Field(description="1 is good, -1 bad, null takes it back.")


class Marking(Given):
    mark: Mark | None = Field(description="pinned into the window, excluded from it, or null for neither.")


class SessionSettings(Given):
    """What a session is called and overrides; what is left out stays as it is."""

    title: Name | None = None
    model: Name | None = None
    second_model: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="One that prompts can be asked of too, on the page; “” ends that."
    )
    window_turns: int | None = Field(default=None, ge=0, le=1000)
    system_prompt: Text | None = Field(default=None, description="“” ends it.")
    summary: Text | None = Field(default=None, description="What was said before this session; “” ends it.")
    parameters: Data | None = Field(default=None, description="temperature, top_p, seed, thinking.")

    @property
    def settings(self) -> dict[str, Any]:
        """Those that are given."""
        names = SessionSettings.model_fields.keys() - {"title"}
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def apply(self, chat: Conversation) -> None:
        """All or nothing: only the settings can be refused. Raises SettingsInvalid, PromptRefused."""
        if self.settings:
            chat.configure(**self.settings)
        if self.title is not None:
            chat.rename(self.title)


class NewSession(SessionSettings):
    session_id: NewName | None = Field(default=None, description="Without it, a new one is made.")
    template: Name | None = Field(default=None, description="What a new session begins with.")


class SessionChange(SessionSettings):
    pinned: bool | None = None
    archived: bool | None = None
    tags: list[Tag] | None = Field(default=None, max_length=100, description="All of them: others are taken off.")

    def apply(self, chat: Conversation) -> None:
        super().apply(chat)
        if self.tags is not None:
            before = set(chat.session.tags)
            chat.untag(*before)
            chat.tag(*self.tags)
        if self.pinned is not None:
            chat.pin(yes=self.pinned)
        if self.archived is not None:
            chat.archive(yes=self.archived)


class Fork(Given):
    session_id: NewName | None = Field(default=None, description="Without it, a new one is made.")
    turn_id: Key | None = Field(default=None, description="The last turn that is copied; without it, the newest.")


class Many(Given):
    session_ids: list[Name] = Field(min_length=1, max_length=10_000)


class CleanUp(Given):
    days: float = Field(default=30, gt=0, le=36_500)
    archived_too: bool = False


class ModelNamed(Given):
    model: Name = Field(description="As it is chosen, or as Ollama calls it, without ollama: in front.")


class TemplateGiven(Given):
    name: Name
    system_prompt: Text = ""
    model: Name | None = None
    parameters: Data = Field(default_factory=dict)
    window_turns: int | None = Field(default=None, ge=0, le=1000)
    openings: list[Text] = Field(default_factory=list, max_length=100)
    welcome: Text = ""
    tags: list[Name] = Field(default_factory=list, max_length=100)

    def made(self) -> Template:
        return Template(**self.model_dump() | {"openings": tuple(self.openings), "tags": tuple(self.tags)})


class TemplateShown(Shown):
    name: str
    system_prompt: str
    model: str | None
    parameters: dict[str, Any]
    window_turns: int | None
    openings: list[str]
    welcome: str
    tags: list[str]

    @classmethod
    def of(cls, template: Template) -> Self:
        return cls.model_validate(template, from_attributes=True)


class SessionShown(Shown):
    session_id: str
    key: int = Field(description="The store's own number of it.")
    title: str
    created_at: datetime
    last_activity: datetime
    message_count: int = Field(description="Of all branches.")
    turn_count: int = Field(description="Of the active path.")
    running: bool = Field(description="Whether a reply runs in it.")
    pinned: bool
    archived: bool
    ended_at: datetime | None
    tags: list[str]
    settings: dict[str, Any] = Field(description="What it overrides; texts have a version and a text.")

    @classmethod
    def of(cls, session: Session) -> Self:
        return cls(
            **{
                name: getattr(session, name)
                for name in cls.model_fields
                if name not in {"turn_count", "tags", "settings"}
            },
            turn_count=session.depth,
            tags=list(session.tags),
            settings={name: _plain(value) for name, value in session.settings.items()},
        )


def _plain(value: Any) -> Any:
    return {"version": value.version, "text": value.text} if hasattr(value, "version") else value


class Sessions(Shown):
    sessions: list[SessionShown]
    after: str | None = Field(description="Hand it back to get the next page; null on the last.")

    @classmethod
    def of(cls, page: SessionPage, after: str | None) -> Self:
        return cls(sessions=[SessionShown.of(session) for session in page.sessions], after=after)


class ReceiptShown(Shown):
    """What a reply was made from; `docs/design.md` has the words. Turns are named by their depths."""

    window: int
    first: int | None
    last: int | None
    turns: int
    messages: int
    left_out: dict[str, int]
    excluded: list[int]
    empty: list[int]
    pinned: list[int]
    system_prompt: int | None
    summary: int | None
    parameters: dict[str, Any]
    continued: int
    unseen_images: int
    own_agent: bool
    context_asked: int | None
    context_loaded: int | None
    estimated: int | None
    counted: int | None
    verdict: Literal["complete", "cut", "unknown"]

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        return cls.model_validate(receipt, from_attributes=True)


class ImageShown(Shown):
    name: str
    media_type: str
    size: int


class MessageShown(Shown):
    sender: Literal["Human", "AI", "Tool", "System"]
    content: str


class TurnShown(Shown):
    turn_id: int
    session_id: str
    parent_id: int | None
    depth: int = Field(description="1 for the first of a session.")
    status: Status
    prompt: str
    reply: str
    thinking: str
    model: str
    opened_at: datetime
    first_text_at: datetime | None
    closed_at: datetime | None
    input_tokens: int | None
    output_tokens: int | None
    error: str | None
    rating: int | None
    mark: Mark | None
    images: list[ImageShown]
    messages: list[MessageShown]
    receipt: ReceiptShown | None
    data: dict[str, Any]

    @classmethod
    def of(cls, session_id: str, turn: Turn, data: dict[str, Any] | None = None) -> Self:
        same = ("parent_id", "depth", "status", "prompt", "reply", "thinking", "model", "opened_at", "first_text_at")
        more = ("closed_at", "input_tokens", "output_tokens", "error", "rating", "mark")
        receipt = Receipt.of(turn)
        return cls(
            turn_id=turn.id,
            session_id=session_id,
            **{name: getattr(turn, name) for name in (*same, *more)},
            images=[ImageShown.model_validate(image, from_attributes=True) for image in turn.messages[0].images],
            messages=[MessageShown(sender=said.sender.value, content=said.content) for said in turn.messages],
            receipt=None if receipt is None else ReceiptShown.of(receipt),
            data=data or {},
        )


class Turns(Shown):
    """Oldest first."""

    turns: list[TurnShown]
    before: int | None = Field(description="Hand it back to get the turns before these; null where there are none.")


class AllTurns(Shown):
    """Turns of all branches in the order in which they were made."""

    turns: list[TurnShown]
    after: int | None = Field(description="Hand it back to get the next page; null on the last.")


class Alternatives(Shown):
    turn_ids: list[int] = Field(description="The continuations beside each other, in the order they were made.")
    place: int = Field(description="Of the one asked about among them, from 0.")


class ContextShown(Shown):
    messages: list[MessageShown]
    sizes: dict[str, int] = Field(description="Tokens by part: told, pinned, window, prompt, begun.")
    receipt: ReceiptShown

    @classmethod
    def of(cls, context: Context) -> Self:
        return cls(
            messages=[
                MessageShown(sender=_SENDERS[sent.type], content=_text(sent.content)) for sent in context.messages
            ],
            sizes=context.sizes,
            receipt=ReceiptShown.of(context.receipt),
        )


_SENDERS: dict[str, Any] = {"human": "Human", "ai": "AI", "system": "System", "tool": "Tool"}


def _text(content: str | list[Any]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part if isinstance(part, str) else str(part.get("text", "[image]")) for part in content)


class Waiting(Shown):
    id: int
    prompt: str
    images: list[ImageShown]
    model: str | None
    held: bool = Field(description="Whether it is sent only when somebody asks for that.")
    placed_at: datetime

    @classmethod
    def of(cls, waiting: WaitingPrompt) -> Self:
        shown = [ImageShown.model_validate(image, from_attributes=True) for image in waiting.message.images]
        same = {name: getattr(waiting, name) for name in ("id", "model", "held", "placed_at")}
        return cls(prompt=waiting.message.content, images=shown, **same)


class WaitingShown(Shown):
    turn_id: int | None = Field(default=None, description="Of the prompt that was sent at once; null where it waits.")
    waiting: list[Waiting] = Field(description="In the order in which they are sent.")
    held_up: str | None = Field(description="Why the next could not be sent.")


class PieceShown(Shown):
    """A piece of a snippet; one that is `found` is what was searched for."""

    text: str
    found: bool


class HitShown(Shown):
    session_id: str
    title: str
    turn_id: int | None = Field(description="null for a hit in the title.")
    sender: str | None
    at: datetime
    snippet: list[PieceShown]

    @classmethod
    def of(cls, hit: Hit) -> Self:
        return cls(
            session_id=hit.session_id,
            title=hit.title,
            turn_id=hit.turn_id,
            sender=hit.sender.value if hit.sender else None,
            at=hit.moment,
            snippet=[PieceShown(text=text, found=found) for text, found in hit.snippet.pieces],
        )


class Found(Shown):
    hits: list[HitShown]
    after: str | None = Field(description="Hand it back to get the next page; null on the last.")
    widened: bool = Field(description="Nothing held the words themselves: these hold words that begin like them.")
    ranked: int | None = Field(description="Of how many the best were chosen, where there were more; else null.")


class SpreadShown(Shown):
    """Seconds."""

    count: int
    median: float | None
    p95: float | None

    @classmethod
    def of(cls, spread: Spread) -> Self:
        median, p95 = (None if part is None else part.total_seconds() for part in (spread.median, spread.p95))
        return cls(count=spread.count, median=median, p95=p95)


class StatsShown(Shown):
    """What is stored now, and what was used in the range of days."""

    totals: dict[str, int]
    since: str
    until: str
    used: dict[str, int]
    tokens_per_second: float | None
    first_text: SpreadShown
    duration: SpreadShown
    hours: list[int] = Field(description="Turns of each hour of the week, from Monday at 0:00 on.")
    days: list[dict[str, int | str]]
    models: list[dict[str, Any]]

    @classmethod
    def of(cls, stats: Stats) -> Self:
        used = stats.used
        return cls(
            totals=_numbers(stats.totals),
            since=used.since.isoformat(),
            until=used.until.isoformat(),
            used=_numbers(used.tally),
            tokens_per_second=used.tally.tokens_per_second,
            first_text=SpreadShown.of(used.first_text),
            duration=SpreadShown.of(used.duration),
            hours=list(used.hours),
            days=[{**day._asdict(), "day": day.day.isoformat()} for day in used.days],
            models=_models(used),
        )


def _models(used: Figures) -> list[dict[str, Any]]:
    return [
        {
            "model": of.model,
            **_numbers(of.tally),
            "tokens_per_second": of.tally.tokens_per_second,
            "first_text": SpreadShown.of(of.first_text),
            "duration": SpreadShown.of(of.duration),
        }
        for of in used.models
    ]


def _numbers(record: Any) -> dict[str, int]:
    return {name: getattr(record, name) for name in record.__slots__}


class RecentShown(Shown):
    title: str
    turn: TurnShown

    @classmethod
    def of(cls, recent: RecentTurn) -> Self:
        return cls(title=recent.title, turn=TurnShown.of(recent.session_id, recent.turn))


class DeletedShown(Shown):
    sessions: int
    messages: int
    kept: list[str] = Field(description="Sessions that were not deleted: a reply runs in them, or there are none such.")


class UnusedShown(Shown):
    sessions: int
    messages: int
    longest: list[SessionShown] = Field(description="Those not used for the longest time, up to 50.")


class ModelShown(Shown):
    name: str = Field(description="By which it is chosen.")
    size: int | None = Field(default=None, description="Bytes.")
    parameters: str = ""
    quantization: str = ""
    abilities: list[str] | None = None
    most_context: int | None = Field(default=None, description="Tokens.")
    in_memory: bool = False


class ModelsShown(Shown):
    models: list[ModelShown]
    problem: str = Field(description="Why there are no models of Ollama; “” if there are.")
    ollama_version: str

    @classmethod
    def of(cls, catalogue: Catalogue, held: set[str]) -> Self:
        known = {f"ollama:{model.name}": model for model in catalogue.ollama or ()}
        models = [_model(name, known.get(name), held) for name in catalogue.names]
        return cls(models=models, problem=catalogue.problem, ollama_version=catalogue.version)


def _model(name: str, model: OllamaModel | None, held: set[str]) -> ModelShown:
    if model is None:
        return ModelShown(name=name)
    abilities = model.facts.abilities
    return ModelShown(
        name=name,
        size=model.size,
        parameters=model.parameters,
        quantization=model.quantization,
        abilities=None if abilities is None else sorted(abilities),
        most_context=model.facts.most_context,
        in_memory=model.name in held,
    )


class PullShown(Shown):
    model: str = Field(description="As Ollama's library calls it; it is chosen as ollama:….")
    running: bool
    doing: str
    done: int = Field(description="Bytes.")
    total: int = Field(description="Bytes that are known of yet.")

    @classmethod
    def of(cls, model: str, progress: Progress, *, running: bool) -> Self:
        return cls(model=model, running=running, doing=progress.doing, done=progress.done, total=progress.total)


class TakenShown(Shown):
    fate: Fate
    session_id: str
    title: str
    turns: int = Field(description="Those that came in.")
    messages: int


class BrokenShown(Shown):
    name: str = Field(description="What names the conversation in its file.")
    reason: str


class ImportReport(Shown):
    """What came in, or with a dry run what would. Lists name the first thousand; the counts count them all."""

    kind: Kind
    dry_run: bool
    new: int = Field(description="Sessions.")
    grown: int = Field(description="Sessions that got more turns.")
    known: int = Field(description="Sessions of which nothing was missing.")
    turns: int = Field(description="Those that came in.")
    messages: int = Field(description="Those that came in.")
    hidden: int = Field(description="Messages left out, as the other program showed them to nobody.")
    busy_count: int
    broken_count: int
    sessions: list[TakenShown] = Field(description="Those that are new or grew.")
    busy: list[str] = Field(description="Sessions that were left out while a reply runs in them.")
    broken: list[BrokenShown] = Field(description="Conversations that could not be read.")
    cancelled: bool
    sentence: str = Field(description="All of this in words.")

    @classmethod
    def of(cls, report: Report) -> Self:
        said = {name: getattr(report, name) for name in Report.__slots__}
        return cls.model_validate(said | {"sentence": str(report)}, from_attributes=True)


class ImportProgress(Shown):
    done: int = Field(description="Conversations that were gone through.")
    fraction: float | None = Field(description="How much of the file was read, from 0 to 1.")

    @classmethod
    def of(cls, job: Importing) -> Self:
        return cls(done=job.done, fraction=job.fraction)


class Health(Shown):
    status: Literal["ok"] = "ok"


class Ready(Shown):
    status: Literal["ok"] = "ok"
    database: str
    models: list[str] | None = Field(default=None, description="null for who may not come in.")
    problem: str | None = Field(default=None, description="Why no model of Ollama can answer; “” if one can.")
