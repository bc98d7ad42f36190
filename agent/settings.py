"""Settings: from the environment and `.env`, read once, at the edge."""

from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.errors import SettingsInvalid
from agent.parameters import Parameters
from agent.prompt import checked_text
from agent.secrets import without_secrets
from storage import Session, default_url

PREFIX = "WINDOWSEAT_"
MOST_TURNS = 1000


_NO_ADDRESS = PydanticCustomError("ollama_host", "it should be an address like http://127.0.0.1:11434")


class Settings(BaseSettings):
    """What a person can set. Every field is a variable of `.env.example`, in the same order."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    database_url: str = Field(
        default_factory=default_url,
        description="Where everything is kept, as an SQLAlchemy URL.",
    )
    model: str = Field(
        default="auto",
        min_length=1,
        description="auto, echo, ollama:<model>, or a name that LangChain's init_chat_model knows.",
    )
    window_turns: int = Field(
        default=10, ge=0, le=MOST_TURNS, description="How many turns before the prompt the model may see."
    )
    prompt_limit: int = Field(
        default=100_000, ge=1, le=10_000_000, description="The longest prompt that is taken, in characters."
    )
    context_tokens: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="The context length to ask Ollama for, in tokens; 0 is the model's own setting, else 8192.",
    )
    reply_tokens: int = Field(
        default=1024, ge=16, le=1_000_000, description="How much of the context is kept for the reply, in tokens."
    )
    keep_alive: str = Field(
        default="",
        pattern=r"^(-?\d+(\.\d+)?(ms|s|m|h)|-?\d+)?$",
        description="How long Ollama keeps a model in memory after a reply, such as 30m; -1 is for ever.",
    )
    first_seconds: float = Field(
        default=600,
        gt=0,
        le=86_400,
        description="How long to wait for the first sign of a reply, model loading included.",
    )
    next_seconds: float = Field(
        default=120, gt=0, le=86_400, description="How long to wait from one piece of a reply to the next."
    )
    titles: Literal["words", "model"] = Field(
        default="words",
        description="What names a session after its first turn: the first words of its prompt, or its model.",
    )
    idle_minutes: float = Field(
        default=60, gt=0, le=525_600, description="A session used within so many minutes counts as active."
    )
    cleanup_days: float = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Delete sessions not used for so many days, once a day; 0 deletes nothing by itself.",
    )
    echo_words_per_second: float = Field(
        default=0.0, ge=0, le=100_000, description="How fast echo answers; 0 is as fast as it can."
    )
    hosts: str = Field(
        default="",
        description="The names by which page and API are reached beside localhost, with commas between them.",
    )
    requests_per_minute: int = Field(
        default=600, ge=0, le=1_000_000, description="How many requests a token may make in a minute; 0 is any number."
    )
    body_limit: int = Field(
        default=32_000_000, ge=1000, le=2_000_000_000, description="The largest body of a request, in bytes."
    )
    import_limit: int = Field(
        default=4_294_967_296,
        ge=1000,
        le=1_099_511_627_776,
        description="The largest file that is taken in over HTTP, in bytes.",
    )
    debug_routes: bool = Field(
        default=False, description="Serve /debug/sessions and /debug/clear, as one of the earlier back ends did."
    )
    ollama_host: str = Field(
        default="http://127.0.0.1:11434",
        validation_alias="OLLAMA_HOST",
        description="Where the Ollama server is; Ollama's own variable.",
    )

    @field_validator("ollama_host")
    @classmethod
    def _reachable(cls, host: str) -> str:
        """Spell the address out as Ollama's own client reads it.

        A server that listens on 0.0.0.0 is told so by the same variable; one can't connect to that everywhere.
        """
        scheme, _, rest = host.strip().rpartition("://")
        try:
            parts = urlsplit(f"{scheme or 'http'}://{rest}")
            port = parts.port or (11434 if not scheme else 443 if scheme == "https" else 80)
        except ValueError as error:
            raise _NO_ADDRESS from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise _NO_ADDRESS
        name = {"0.0.0.0": "127.0.0.1"}.get(parts.hostname, parts.hostname)  # noqa: S104
        return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}{parts.path.rstrip('/')}"

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Take what is given, and the rest from the environment.

        Raises SettingsInvalid, which names the variable, its value and what it may be.
        """
        try:
            return cls(**given)
        except UnicodeDecodeError as error:
            raise SettingsInvalid("The file .env is not in UTF-8: save it so.") from error
        except ValidationError as error:
            raise SettingsInvalid(" ".join(_sentence(problem, given) for problem in error.errors())) from error


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in force: its variable, its value, what that says, and whether somebody set it."""

    variable: str
    value: str
    says: str
    is_set: bool


def checked_settings(
    defaults: Settings,
    *,
    model: str | None = None,
    second_model: str | None = None,
    window_turns: int | None = None,
    system_prompt: str | None = None,
    summary: str | None = None,
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a session is to override, of those that are given; where None comes out it overrides that no longer.

    Raises SettingsInvalid, PromptRefused.
    """
    plain = {name: value for name, value in (("model", model), ("window_turns", window_turns)) if value is not None}
    Settings.read(**defaults.model_dump() | plain)
    texts = {
        name: checked_text(text, defaults.prompt_limit, what)
        for name, text, what in (
            ("system_prompt", system_prompt, "The system prompt"),
            ("summary", summary, "The summary"),
        )
        if text is not None
    }
    second = {} if second_model is None else {"second_model": _checked_second(second_model)}
    given = {} if parameters is None else {"parameters": Parameters.read(parameters).given}
    return plain | second | texts | given


def _checked_second(model: str) -> str | None:
    """None for no second model, which is "". Raises SettingsInvalid."""
    if not isinstance(model, str):
        raise SettingsInvalid(f"second_model is {model!r}, but it should be the name of a model, or “” for none.")
    return model or None


def model_of(session: Session, defaults: Settings) -> str:
    """The name of its model."""
    return str(session.settings.get("model", defaults.model))


def window_turns_of(session: Session, defaults: Settings) -> int:
    """The size of its window."""
    kept = session.settings.get("window_turns")  # Anything at all, where it was taken in from a file.
    return kept if isinstance(kept, int) and 0 <= kept <= MOST_TURNS else defaults.window_turns


def in_force(settings: Settings, **shown: str) -> tuple[Setting, ...]:
    """All of them, in the order of `.env.example`; `shown` is what stands for the value of a field."""
    return tuple(
        Setting(
            variable(name),
            shown.get(name, _shown(getattr(settings, name))),
            field.description or "",
            name in settings.model_fields_set,
        )
        for name, field in Settings.model_fields.items()
    )


def _shown(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def variable(field: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias if field in Settings.model_fields else None
    return str(alias) if alias else f"{PREFIX}{field}".upper()


def _sentence(problem: Any, given: dict[str, Any]) -> str:
    field = str(problem["loc"][0]) if problem["loc"] else "settings"
    name = field if field.isupper() or field in given else variable(field)
    shown = without_secrets(repr(problem["input"]))
    return f"{name} is {shown}, but {problem['msg'].replace('Input', 'it').lower()}."
