"""What the pretended Ollama has and how it behaves: models, faults, tokens, what it drops, what it says. No HTTP here.

Its tokenizer is made up, and plausible: four letters of a word are a token, and so is a digit, a punctuation mark, and
a character outside ASCII; each message costs MESSAGE_TOKENS more, and each prompt PROMPT_TOKENS.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

Json = dict[str, Any]

MESSAGE_TOKENS = 4
PROMPT_TOKENS = 2
LEAST_CONTEXT = 4
FOREVER = 292 * 365 * 86_400.0
"""What Ollama makes of a negative keep_alive: the most that Go's durations can say."""


class Fault(Enum):
    """What goes wrong with a chat, or with a download."""

    ERROR_FIRST = auto()  # 500 instead of a stream
    ERROR_MIDWAY = auto()  # {"error": ...} as a line of a stream that began with 200
    CUT = auto()  # the connection breaks in mid-stream
    NO_LAST_LINE = auto()  # the stream ends properly, but without its "done"
    LENGTH = auto()  # the server ends the answer at the end of its context
    BUSY = auto()  # 503: the queue is full
    NONSENSE = auto()  # a line that is no JSON
    MEMORY = auto()  # 500: the model does not fit
    SILENT_FIRST = auto()  # not even headers come
    SILENT_MIDWAY = auto()  # half of the words come, and then nothing more
    PULL_BROKEN = auto()  # a download ends with an error halfway


INSTEAD = {
    Fault.ERROR_FIRST: (500, "llama runner process has terminated: exit status 2"),
    Fault.BUSY: (503, "server busy, please try again.  maximum pending requests exceeded"),
    Fault.MEMORY: (500, "model requires more system memory (9.1 GiB) than is available (3.2 GiB)"),
}
MIDWAY = {Fault.ERROR_MIDWAY, Fault.CUT, Fault.NONSENSE, Fault.SILENT_MIDWAY}


class Refused(Exception):
    """What the server says instead of an answer."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error


@dataclass
class Model:
    """A model on the server's disk.

    `parameters` are those of its Modelfile, as /api/show writes them. With None for `capabilities` the server is one
    before 0.6.4: it names none, and refuses nothing for the lack of one.
    """

    size: int = 2_000_000_000
    modified_at: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    capabilities: tuple[str, ...] | None = ("completion", "tools")
    context_length: int = 131_072
    architecture: str = "llama"
    parameters: str = ""

    def can(self, capability: str) -> bool:
        return capability in (self.capabilities or ())

    def lacks(self, capability: str) -> bool:
        return self.capabilities is not None and capability not in self.capabilities

    def numbers(self) -> dict[str, int]:
        """The parameters that are whole numbers."""
        return {name: int(value) for name, value in re.findall(r"(?m)^(\w+)\s+(-?\d+)$", self.parameters)}


@dataclass
class Script:
    """How the server behaves. A test sets it at any time, and reads in it what came in.

    Names are spelled as the test spells them, and found as Ollama finds them: without a tag they mean `:latest`.
    `loaded` holds the context length of each model in memory, and `loads` each load that came to its end; `cuts` the
    tokens asked and the context they did not fit; `downloaded` the bytes of `pullable` models that have come so far.
    """

    models: dict[str, Model] = field(default_factory=lambda: {"llama3.2:3b": Model()})
    words: tuple[str, ...] = ("Lisbon ", "is ", "lovely ", "in ", "May.")
    thoughts: tuple[str, ...] = ()
    pause: float = 0.0
    loading: float = 0.0
    fault: Fault | None = None

    density: float = 1.0
    image_tokens: int = 600
    default_context: int = 4096
    most_context: int | None = None
    lists_loading: bool = False
    """Whether /api/ps names a model already while it is being loaded, as some versions of Ollama do."""

    pullable: dict[str, int] = field(default_factory=dict)
    pull_pause: float = 0.0
    pull_step: int = 100_000_000

    loaded: dict[str, int] = field(default_factory=dict)
    downloaded: dict[str, int] = field(default_factory=dict)

    chats: list[Json] = field(default_factory=list)
    controls: list[Json] = field(default_factory=list)
    loads: list[tuple[str, int]] = field(default_factory=list)
    cuts: list[tuple[int, int]] = field(default_factory=list)
    shows: list[str] = field(default_factory=list)
    ps_count: int = 0
    version_count: int = 0
    hang_ups: list[float] = field(default_factory=list)
    pull_hang_ups: list[float] = field(default_factory=list)

    def find(self, asked: str) -> tuple[str, Model]:
        name = spelled(self.models, asked)
        if name is None:
            raise Refused(404, f"model '{asked}' not found")
        return name, self.models[name]

    def forget(self, name: str) -> None:
        """Delete the model, out of memory too."""
        del self.models[name]
        self.loaded.pop(name, None)
        self.downloaded.pop(name, None)

    def context_of(self, model: Model, request: Json) -> int:
        """The context length that the request has the model loaded with."""
        asked = _options(model, request).get("num_ctx") or self.default_context
        most = min(model.context_length, self.most_context or model.context_length)
        return max(min(int(asked), most), LEAST_CONTEXT)

    def tokens_of(self, messages: Sequence[Mapping[str, Any]]) -> int:
        return tokens_of(messages, density=self.density, image_tokens=self.image_tokens)

    def fit(self, messages: Sequence[Json], context: int) -> list[Json]:
        """The messages without the oldest ones, until they fit; always with the last, and with all system messages."""
        asked = self.tokens_of(messages)
        if asked <= context:
            return list(messages)
        self.cuts.append((asked, context))
        kept = list(messages)
        for dropped in range(1, len(messages)):
            system = [message for message in messages[:dropped] if message["role"] == "system"]
            kept = [*system, *messages[dropped:]]
            if self.tokens_of(kept) <= context:
                break
        return kept

    def answer(self, model: Model, request: Json) -> tuple[list[str], list[str], str]:
        """The words of thinking, the words of the reply, and why it ended."""
        thoughts = list(self.thoughts) if model.can("thinking") and request.get("think") is not False else []
        words = list(self.words)
        most = int(_options(model, request).get("num_predict") or 0)
        if 0 < most <= len(thoughts) + len(words):
            return thoughts[:most], words[: max(most - len(thoughts), 0)], "length"
        return thoughts, words, "length" if self.fault is Fault.LENGTH else "stop"


def tokens_of(messages: Sequence[Mapping[str, Any]], *, density: float = 1.0, image_tokens: int = 600) -> int:
    """How many tokens the messages are as a prompt. `density` makes more or fewer of the text's."""
    words = sum(len(_TOKEN.findall(message.get("content") or "")) for message in messages)
    images = sum(len(message.get("images") or ()) for message in messages)
    text = words + MESSAGE_TOKENS * len(messages) + PROMPT_TOKENS
    return math.ceil(text * density) + images * image_tokens


_TOKEN = re.compile(r"[a-z]{1,4}|[^\sa-z]", re.ASCII | re.IGNORECASE)


def check(asked: str, model: Model, request: Json) -> None:
    """Refuse what the model cannot do, in Ollama's words."""
    think = request.get("think")
    if isinstance(think, str) and think not in {"high", "medium", "low"}:
        problem = f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)'
        raise Refused(400, problem)
    if think and model.lacks("thinking"):
        raise Refused(400, f'"{asked}" does not support thinking')
    if model.lacks("completion"):
        raise Refused(400, f'"{asked}" does not support chat')
    if request.get("tools") and model.lacks("tools"):
        raise Refused(400, f"registry.ollama.ai/library/{full_name(asked)} does not support tools")
    for message in request.get("messages") or ():
        for image in message.get("images") or ():
            if wrong := re.search(r"[^A-Za-z0-9+/=\r\n]", image):
                raise Refused(400, f"illegal base64 data at input byte {wrong.start()}")


def check_images(messages: Iterable[Json], model: Model) -> None:
    if model.lacks("vision") and any(message.get("images") for message in messages):
        raise Refused(400, "this model is missing data required for image input")


def keep_of(request: Json) -> float | None:
    """For how many seconds the request wants its model kept in memory; None where it does not say."""
    value = request.get("keep_alive")
    if value is None:
        return None
    if isinstance(value, str):
        value = _seconds(value)
    return FOREVER if value < 0 else float(value)


def _seconds(duration: str) -> float:
    """What Go's time.ParseDuration makes of it: a number without a unit is refused."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    if re.fullmatch(r"[-+]?0", duration):
        return 0.0
    if not re.fullmatch(r"[-+]?(\d+(\.\d*)?(ms|s|m|h))+", duration):
        problem = "missing unit in" if re.fullmatch(r"[-+]?\d+(\.\d*)?", duration) else "invalid"
        raise Refused(400, f'time: {problem} duration "{duration}"')
    parts = re.findall(r"(\d+(?:\.\d*)?)(ms|s|m|h)", duration)
    return sum(float(number) * units[unit] for number, unit in parts) * (-1 if duration.startswith("-") else 1)


def full_name(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def spelled(names: Iterable[str], asked: str) -> str | None:
    """How `names` spell the model asked for, if they have it."""
    sought = full_name(asked).casefold()
    return next((name for name in names if full_name(name).casefold() == sought), None)


def _options(model: Model, request: Json) -> Json:
    return {**model.numbers(), **(request.get("options") or {})}
