"""Models by name: `echo`, `ollama:<model>`, or what LangChain's `init_chat_model` knows. `auto` picks one."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from agent.echo import ECHO, EchoModel
from agent.errors import ModelError, ModelUnknown
from agent.loading import Loading
from agent.ollama import Facts, HeldModel, OllamaChat, OllamaModel, OllamaServer, Patience, Pull, full_name
from agent.remembered import FRESH, Remembered
from agent.secrets import without_secrets
from agent.settings import Settings
from agent.tokens import Room

AUTO = "auto"
OLLAMA = "ollama:"

FITS_ANYWHERE = 1500
"""Tokens that every server has room for."""

USUAL_CONTEXT = 8192
"""Tokens of context to ask for where nobody says how many: room for a long talk, in a gigabyte of memory or less."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that will answer, and a sentence that says why it is that one."""

    model: str
    why: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The names that can be chosen, `echo` last; `ollama` has what is known of those of the Ollama server.

    That is None where no server answers. `problem` says why there is no such model, or is "". `version` is the
    server's, "" where nobody knows.
    """

    names: tuple[str, ...]
    problem: str
    ollama: tuple[OllamaModel, ...] | None = None
    version: str = ""


class Models:
    """Makes chat models by name, one of each, and knows what each has room for. Whoever makes it closes it."""

    def __init__(
        self,
        settings: Settings,
        own: Mapping[str, BaseChatModel] | None = None,
        *,
        known: Callable[[str], float | None] = lambda _: None,
        keep: Callable[[str, float], None] = lambda _, __: None,
    ) -> None:
        """`keep` and `known` are its memory for the context length that each model was asked for."""
        self._settings = settings
        self._known = known
        self._keep = keep
        self._asked: dict[str, int] = {}
        self._own = dict(own or {})
        self._server = OllamaServer(settings.ollama_host)
        self._made: dict[str, BaseChatModel] = dict(self._own)
        self._loaded: dict[str, int] = {}
        self._look_at: asyncio.Task[dict[str, int | None]] | None = None
        self._in_vain: dict[str, float] = {}
        self._pulls: dict[str, Pull] = {}
        self._loadings: dict[str, Loading] = {}
        self._lock = threading.Lock()
        self._catalogue = Remembered(self._look, Catalogue((ECHO,), ""))
        self._memory = Remembered(self._look_into_memory, None)

    def catalogue(self) -> Catalogue:
        """What can be chosen now. Asks the server at most every FRESH seconds, and takes two seconds at the most."""
        return self._catalogue()

    def choose(self, name: str) -> Choice:
        """Turn `auto` into the Ollama model changed last, or into echo where there is none."""
        if name != AUTO:
            return Choice(name, "It was chosen.")
        catalogue = self.catalogue()
        first = catalogue.names[0]
        if not first.startswith(OLLAMA):
            return Choice(ECHO, catalogue.problem)
        return Choice(first, f"It is the model changed last on the Ollama server at {self._server.host}.")

    def look_again(self) -> None:
        """Ask the server anew: it has other models than it had."""
        self._in_vain.clear()
        self._catalogue.forget()
        self._memory.forget()

    def chat_model(self, name: str) -> BaseChatModel:
        """The LangChain model of that name. Raises ModelUnknown."""
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def room(self, name: str, factor: float) -> Room | None:
        """What the model has room for, with this correction of estimates; None where nobody knows.

        The context length that is asked for is the same at every turn: another one has the model loaded anew.
        """
        asked = self._context(name)
        if asked is None:
            return None
        if self._loaded.get(name, asked) < asked:
            self._look_anew(name)
        return Room(asked, self._loaded.get(name), self._settings.reply_tokens, factor)

    def sees(self, name: str) -> bool:
        """Whether the model takes images; where nobody knows it may."""
        if name.startswith(OLLAMA):
            return self._facts(name).can("vision", unknown=True)
        return name != ECHO and (self.chat_model(name).profile or {}).get("image_inputs", True)

    def applied(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Those of the parameters that the model takes."""
        if name == ECHO:
            return {}
        can_think = name.startswith(OLLAMA) and self._facts(name).can("thinking", unknown=True)
        return {key: value for key, value in parameters.items() if key != "thinking" or can_think}

    def settings_for(
        self, name: str, parameters: dict[str, Any], room: Room | None, estimated: int | None
    ) -> dict[str, Any]:
        """What the LangChain class of that model is called with."""
        if not name.startswith(OLLAMA):
            return dict(parameters)
        options = {key: value for key, value in parameters.items() if key != "thinking"}
        if room is not None:
            # Past the end of its context a server would go on, and drop the beginning while it writes.
            left = room.context - (estimated or 0)
            options |= {"num_ctx": room.asked, "num_predict": max(left, room.reserve)}
        thinking = parameters.get("thinking")
        if thinking is None and self._facts(name).can("thinking", unknown=False):
            thinking = True  # It thinks in any case; unasked for, LangChain drops what it thought.
        return {"options": options, "reasoning": thinking} | self._keep_alive()

    def is_loading(self, name: str) -> bool:
        """Whether the model has yet to be loaded into memory. False where nobody can tell."""
        try:
            return name.startswith(OLLAMA) and not self._is_loaded(name)
        except ModelError:
            return False

    def note_asked(self, name: str, asked: int | None) -> None:
        """Keep what an Ollama model was asked for, for when its server does not say what it has. Raises StoreError."""
        if asked is not None and name.startswith(OLLAMA) and self._asked.get(name) != asked:
            if self._known(name) != asked:
                self._keep(name, asked)
            self._asked[name] = asked

    async def real_context(self, name: str, estimated: int | None, known: int | None, asked: int | None) -> int | None:
        """The context length that an Ollama model has or, if it is not in memory yet, gets; None where that is known.

        It is loaded with as much as is `asked` for. Few tokens fit in any case: for them nobody waits until it is
        loaded. Raises ModelError.
        """
        if not name.startswith(OLLAMA) or known is not None or (estimated or 0) <= FITS_ANYWHERE:
            return None
        if await self.look_at_context(name) is None:
            await self.load(name, asked)
            return await self.look_at_context(name)
        return self._loaded.get(name)

    async def look_at_context(self, name: str) -> int | None:
        """The context length that the server has the model loaded with, kept for the next turn; None if it won't say.

        Takes up to a second.
        """
        if not name.startswith(OLLAMA):
            return None
        if self._look_at is None or self._look_at.done():
            self._look_at = asyncio.create_task(asyncio.to_thread(self._server.loaded))
        try:
            # Shared by all replies that ask meanwhile, so one that is stopped must not end it.
            loaded = await asyncio.shield(self._look_at)
        except ModelError:
            return self._loaded.get(name)
        if (length := loaded.get(self._full(name))) is not None:
            self._loaded[name] = length
        return length

    def begin_loading(self, name: str, launch: Callable[[Coroutine[Any, Any, None]], Future[None]]) -> Loading:
        """Load a model in the background, on the loop where `launch` puts it; the same one while it is on its way."""
        with self._lock:
            known = self._loadings.get(_key(name))
            if known is None or not known.running:
                self._loadings[_key(name)] = known = Loading(name, launch(self.load(name)))
            return known

    def loadings(self) -> tuple[Loading, ...]:
        """Those on their way."""
        with self._lock:
            return tuple(loading for loading in self._loadings.values() if loading.running)

    async def load(self, name: str, asked: int | None = None) -> None:
        """Have an Ollama model in memory, so that the first reply needs not wait. Raises ModelError.

        Without a context length to ask for it is the one that its replies ask for.
        """
        chat = await asyncio.to_thread(self.chat_model, name) if name.startswith(OLLAMA) else None
        if not isinstance(chat, OllamaChat):
            return
        asked = asked or await asyncio.to_thread(self._context, name)
        try:
            await chat.load(asked or USUAL_CONTEXT, **self._keep_alive())
        finally:
            self._memory.forget()

    def unload(self, name: str) -> None:
        """Have the memory of an Ollama model back. Raises ModelError."""
        if name.startswith(OLLAMA):
            try:
                self._server.unload(_bare(name))
            finally:
                self._memory.forget()

    def context_asked(self, model: OllamaModel) -> int:
        """The context length, in tokens, that it is asked for at every turn. Asks no server."""
        return self._steady(f"{OLLAMA}{model.name}", model.facts)

    def loaded(self) -> dict[str, int | None]:
        """The Ollama models in memory, with the context length each has there. Raises ModelError."""
        return {f"{OLLAMA}{name}": length for name, length in self._server.loaded().items()}

    def in_memory(self) -> tuple[HeldModel, ...] | None:
        """What the server has in memory; None where it does not say. Asks as seldom as `catalogue` does."""
        # Asked apart from it, so that the slowness of one answer is not counted for the other.
        return None if self.catalogue().ollama is None else self._memory()

    def pull(self, name: str) -> Pull:
        """Get a model from Ollama's library; the same one while it is on its way."""
        name = _bare(name).strip()
        if not name:
            raise ModelUnknown("Name the model to get, such as llama3.2:3b.")
        with self._lock:
            known = self._pulls.get(_key(name))
            if known is None or not known.running:
                got = partial(self._got, name)
                self._pulls[_key(name)] = known = Pull(self._server.host, name, got).start()
            return known

    def can_pull(self, name: str) -> bool:
        """Whether it is a model that the Ollama server has not got, and is not getting."""
        here = self.catalogue().ollama
        if not name.startswith(OLLAMA) or here is None:
            return False
        on_the_way = (pull.name for pull in self.pulls())
        return full_name(_bare(name)) not in map(full_name, (*(model.name for model in here), *on_the_way))

    def pulls(self) -> tuple[Pull, ...]:
        """Those on their way."""
        with self._lock:
            return tuple(pull for pull in self._pulls.values() if pull.running)

    async def aclose(self) -> None:
        """Close all connections, on the loop where replies ran."""
        for pull in self.pulls():
            pull.cancel()
        self._server.close()
        for model in self._made.values():
            if isinstance(model, OllamaChat):
                await model.aclose()

    def _look(self) -> Catalogue:
        try:
            found = self._server.models()
        except ModelError as error:
            return Catalogue((*self._own, ECHO), str(error))
        problem = f"The Ollama server at {self._server.host} has no model that can chat. Get one with: ollama pull"
        names = (*(f"{OLLAMA}{model.name}" for model in found), *self._own, ECHO)
        return Catalogue(names, "" if found else problem, found, self._server.version)

    def _look_into_memory(self) -> tuple[HeldModel, ...] | None:
        try:
            return self._server.held()
        except ModelError:
            return None

    def _got(self, name: str) -> None:
        """Ask anew: the model may be another one now."""
        self._server.forget(name)
        self.look_again()

    def _context(self, name: str) -> int | None:
        if name == ECHO:
            return None
        if name.startswith(OLLAMA):
            facts = self._facts(name)
            return self._steady(name, facts)
        return _most_input(self.chat_model(name))

    def _steady(self, name: str, facts: Facts) -> int:
        """The context length to ask for: the one of last time where the server does not say what the model has."""
        if facts == Facts():
            return self._settings.context_tokens or int(self._known(name) or USUAL_CONTEXT)
        wanted = self._settings.context_tokens or facts.own_context or USUAL_CONTEXT
        return min(wanted, facts.most_context or wanted)

    def _look_anew(self, name: str) -> None:
        """It had less than was asked for: see whether it has more now, or is to be loaded again."""
        if self._is_silent(what := f"context of {name}"):
            return
        try:
            loaded = self._server.loaded().get(self._full(name))
        except ModelError:
            self._in_vain[what] = time.monotonic()
            return
        self._loaded.pop(name, None)
        if loaded is not None:
            self._loaded[name] = loaded

    def _is_silent(self, what: str) -> bool:
        """Whether the server was asked this in vain just now: the page would ask at every rerun."""
        return time.monotonic() - self._in_vain.get(what, float("-inf")) < FRESH

    def _facts(self, name: str) -> Facts:
        """None of them where the server does not answer: the reply will say so."""
        if self._is_silent(name):
            return Facts()
        try:
            return self._server.facts(_bare(name))
        except ModelError:
            self._in_vain[name] = time.monotonic()
            return Facts()

    def _is_loaded(self, name: str) -> bool:
        return self._full(name) in self._server.loaded()

    def _full(self, name: str) -> str:
        return full_name(_bare(name))

    def _keep_alive(self) -> dict[str, Any]:
        keep_alive = self._settings.keep_alive
        if not keep_alive:
            return {}
        return {"keep_alive": float(keep_alive) if keep_alive.lstrip("-").isdigit() else keep_alive}

    def _make(self, name: str) -> BaseChatModel:
        if name == ECHO:
            return EchoModel(words_per_second=self._settings.echo_words_per_second)
        if name == OLLAMA:
            raise ModelUnknown("The name of the model is missing: name it like ollama:llama3.2.")
        if name.startswith(OLLAMA):
            patience = Patience(self._settings.first_seconds, self._settings.next_seconds)
            return OllamaChat.on(self._server.host, _bare(name), patience)
        try:
            model: BaseChatModel = init_chat_model(name)
        except ImportError as error:
            package = re.search(r"pip install (?:-U )?[`'\"]?([\w.-]+)", str(error))
            how = f"pip install {package[1]}" if package else str(error)
            raise ModelUnknown(f"The model “{name}” needs a package that is not installed: {how}") from error
        except Exception as error:
            raise _unusable(name, error) from error
        return model


def name_of(model: BaseChatModel) -> str:
    """What somebody's own model is called in the store: its maker's name for it, else its class's."""
    for attribute in ("model", "model_name"):
        if isinstance(named := getattr(model, attribute, None), str) and named:
            return named
    return type(model).__name__


def room_of(model: BaseChatModel, factor: float, reply: int) -> Room | None:
    """What somebody's own model has room for, None where LangChain does not know."""
    most = _most_input(model)
    return None if most is None else Room(most, None, reply, factor)


def _most_input(model: BaseChatModel) -> int | None:
    most = (model.profile or {}).get("max_input_tokens")
    return most if isinstance(most, int) and most > 0 else None


def _unusable(name: str, error: Exception) -> ModelUnknown:
    """Most that goes wrong when a provider's class is made is a key that is not there."""
    said = without_secrets(str(error))
    key = re.search(r"\b[A-Z][A-Z0-9_]*(?:_KEY|_TOKEN)\b", said)
    if key:
        return ModelUnknown(f"The model “{name}” needs a key: set the environment variable {key[0]}.")
    first = "" if isinstance(error, ValueError) or not said else said.splitlines()[0]
    return ModelUnknown(
        f"The model “{name}” is not to be had here. {first} Name it like echo, ollama:llama3.2, openai:gpt-5."
    )


def _bare(name: str) -> str:
    return name.removeprefix(OLLAMA)


def _key(name: str) -> str:
    """The same for all ways to write an Ollama model's name: the server does not tell capitals from small letters."""
    return full_name(_bare(name).strip()).casefold()
