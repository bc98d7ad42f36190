"""Models by name: `echo`, `ollama:<model>`, or what LangChain's `init_chat_model` knows. `auto` picks one."""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from agent.echo import EchoModel
from agent.errors import ModelError, ModelUnknown
from agent.ollama import OllamaChat, OllamaServer, ollama_chat

AUTO = "auto"
ECHO = "echo"
OLLAMA = "ollama:"

FRESH = 5.0
"""How long an answer of the Ollama server about its models is good, in seconds."""


SLOWNESS = 20
"""After a question that took a second, the next one waits as many seconds longer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that will answer, and a sentence that says why it is that one."""

    model: str
    why: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The names that can be chosen, `echo` last. `problem` says why there is no Ollama model, or is ""."""

    names: tuple[str, ...]
    problem: str


class Models:
    """Makes chat models by name, one of each. Whoever makes it closes it."""

    def __init__(
        self, *, ollama_host: str, echo_words_per_second: float, own: Mapping[str, BaseChatModel] | None = None
    ) -> None:
        self._own = dict(own or {})
        self._server = OllamaServer(ollama_host)
        self._pace = echo_words_per_second
        self._made: dict[str, BaseChatModel] = dict(self._own)
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._catalogue = Catalogue((ECHO,), "")
        self._looked_at = float("-inf")

    def catalogue(self) -> Catalogue:
        """What can be chosen now. Asks the server at most every FRESH seconds, and takes two seconds at the most."""
        with self._looking:
            if time.monotonic() - self._looked_at > FRESH:
                began = time.monotonic()
                self._catalogue = self._look()
                # A server that takes long to say no is asked less often.
                self._looked_at = time.monotonic() + SLOWNESS * (time.monotonic() - began)
            return self._catalogue

    def choose(self, name: str) -> Choice:
        """Turn `auto` into the Ollama model changed last, or into echo where there is none."""
        if name != AUTO:
            return Choice(name, "It was chosen.")
        catalogue = self.catalogue()
        first = catalogue.names[0]
        if not first.startswith(OLLAMA):
            return Choice(ECHO, catalogue.problem)
        return Choice(first, f"It is the model changed last on the Ollama server at {self._server.host}.")

    def chat_model(self, name: str) -> BaseChatModel:
        """The LangChain model of that name. Raises ModelUnknown."""
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def settings_for(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Parameters as the LangChain class of that model takes them; echo takes none."""
        if not parameters or name == ECHO:
            return {}
        return {"options": parameters} if name.startswith(OLLAMA) else parameters

    def is_loading(self, name: str) -> bool:
        """Whether the model has yet to be loaded into memory. False where nobody can tell."""
        try:
            return name.startswith(OLLAMA) and not self._server.is_loaded(name.removeprefix(OLLAMA))
        except ModelError:
            return False

    async def aclose(self) -> None:
        """Close all connections, on the loop where replies ran."""
        self._server.close()
        for model in self._made.values():
            if isinstance(model, OllamaChat):
                await model.aclose()

    def _look(self) -> Catalogue:
        try:
            found = tuple(f"{OLLAMA}{model.name}" for model in self._server.chat_models())
        except ModelError as error:
            return Catalogue((*self._own, ECHO), str(error))
        if not found:
            return Catalogue(
                (*self._own, ECHO),
                f"The Ollama server at {self._server.host} has no model that can chat. Get one with: ollama pull",
            )
        return Catalogue((*found, *self._own, ECHO), "")

    def _make(self, name: str) -> BaseChatModel:
        if name == ECHO:
            return EchoModel(words_per_second=self._pace)
        if name.startswith(OLLAMA):
            return ollama_chat(self._server.host, name.removeprefix(OLLAMA))
        try:
            model: BaseChatModel = init_chat_model(name)
        except ImportError as error:
            package = re.search(r"pip install (?:-U )?[`'\"]?([\w.-]+)", str(error))
            how = f"pip install {package[1]}" if package else str(error)
            raise ModelUnknown(f"The model “{name}” needs a package that is not installed: {how}") from error
        except Exception as error:
            first = str(error).splitlines()[0] if not isinstance(error, ValueError) and str(error) else ""
            raise ModelUnknown(
                f"The model “{name}” is not to be had here. {first} Name it like echo, ollama:llama3.2, openai:gpt-5."
            ) from error
        return model
