"""An Ollama server: which models it has, what they can, and which of them are in memory."""

import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from agent.errors import ModelError
from agent.ollama.wire import certificates, ollama, translated

LOOK_PATIENCE = 1.0
"""Seconds for a question about the server itself."""

_OWN_CONTEXT = re.compile(r"^num_ctx\s+(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model says of itself. None where its server does not say.

    `abilities` are such as `completion`, `vision`, `thinking`, `tools`. `most_context` is the longest context it was
    made for, `own_context` the one that its Modelfile sets, in tokens.
    """

    abilities: frozenset[str] | None = None
    most_context: int | None = None
    own_context: int | None = None

    def can(self, ability: str, *, unknown: bool) -> bool:
        return unknown if self.abilities is None else ability in self.abilities


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model on the server's disk. `name` is as Ollama writes it, such as `llama3.2:3b`; `size` in bytes.

    `parameters` and `quantization` are such as `3.2B` and `Q4_K_M`, "" where the server does not say.
    """

    name: str
    size: int
    changed_at: datetime
    parameters: str
    quantization: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class HeldModel:
    """A model in memory, with its context length there in tokens, and until when if it is not used; None: not said."""

    name: str
    context: int | None
    until: datetime | None


class _Client(ollama.Client):
    def version(self) -> str:
        answer = self._request_raw("GET", "/api/version").json()  # type: ignore[no-untyped-call]
        return str(answer.get("version", "")) if isinstance(answer, dict) else ""


class OllamaServer:
    """Questions about the server, each answered within LOOK_PATIENCE. All of them raise ModelError.

    What a model says of itself is asked once, until the model changes. Whoever makes it closes it.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.version = ""
        self._client = _Client(host=host, timeout=LOOK_PATIENCE, verify=certificates())
        self._facts: dict[str, Facts] = {}
        self._changed: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def models(self) -> tuple[OllamaModel, ...]:
        """Those that can chat, the most recently changed first. One whose facts are late may, until asked again.

        Asked along is the `version`, "" as long as it was never said.
        """
        try:
            with translated(self.host):
                listed = self._client.list().models
        except ModelError:
            self.version = ""  # Another one may come back.
            raise
        newest = sorted(listed, key=_changed_at, reverse=True)
        self._forget_changed(newest)
        self._learn(model.model or "" for model in newest)
        return tuple(made for model in newest if (made := self._made(model)).facts.can("completion", unknown=True))

    def facts(self, name: str) -> Facts:
        """What a model says of itself. Raises ModelError."""
        name = full_name(name)
        known = self._facts.get(name)
        if known is None:
            with translated(self.host, name):
                known = _facts(self._client.show(name))
            with self._lock:
                self._facts[name] = known
        return known

    def loaded(self) -> dict[str, int | None]:
        """The models in memory, with the context length each has there."""
        return {model.name: model.context for model in self.held()}

    def held(self) -> tuple[HeldModel, ...]:
        with translated(self.host):
            found = self._client.ps().models
        return tuple(HeldModel(model.model or "", model.context_length, model.expires_at) for model in found)

    def unload(self, name: str) -> None:
        """Have its memory back."""
        with translated(self.host, name):
            self._client.generate(model=name, keep_alive=0)

    def forget(self, name: str) -> None:
        """Ask for the model's facts anew."""
        with self._lock:
            self._facts.pop(full_name(name), None)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _made(self, model: Any) -> OllamaModel:
        name = model.model or ""
        details = model.details
        return OllamaModel(
            name,
            int(model.size or 0),
            _changed_at(model),
            (details and details.parameter_size) or "",
            (details and details.quantization_level) or "",
            self._facts.get(full_name(name), Facts()),
        )

    def _forget_changed(self, models: Iterable[Any]) -> None:
        with self._lock:
            for model in models:
                name = full_name(model.model or "")
                if self._changed.setdefault(name, _changed_at(model)) != _changed_at(model):
                    self._changed[name] = _changed_at(model)
                    self._facts.pop(name, None)

    def _learn(self, names: Iterable[str]) -> None:
        """Ask for what is not known yet, all at once, and wait no longer than for one answer."""
        unknown = [name for name in names if full_name(name) not in self._facts]
        questions: list[Callable[[], object]] = [partial(self.facts, name) for name in unknown]
        if not self.version:
            questions.append(self._ask_version)
        if not questions:
            return
        threads = ThreadPoolExecutor(8, thread_name_prefix="windowseat-ollama")
        wait([threads.submit(question) for question in questions], timeout=LOOK_PATIENCE)
        threads.shutdown(wait=False, cancel_futures=True)

    def _ask_version(self) -> None:
        with translated(self.host):
            self.version = self._client.version()


def full_name(name: str) -> str:
    """A name without a tag means the tag `latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _changed_at(model: Any) -> datetime:
    changed: datetime = model.modified_at or datetime.fromtimestamp(0, UTC)
    return changed


def _facts(shown: ollama.ShowResponse) -> Facts:
    info = shown.modelinfo or {}
    most = info.get(f"{info.get('general.architecture')}.context_length")
    own = _OWN_CONTEXT.search(shown.parameters or "")
    abilities = None if shown.capabilities is None else frozenset(shown.capabilities)
    return Facts(abilities, most if isinstance(most, int) and most > 0 else None, int(own[1]) if own else None)
