"""The `ollama` package, and what its errors, and those of the connection, mean to a person."""

import json
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

# The package reads the variable at its import and falls over a malformed one; our settings say what is wrong with it.
_said = os.environ.pop("OLLAMA_HOST", None)
try:
    import langchain_ollama
    import ollama
finally:
    if _said is not None:
        os.environ["OLLAMA_HOST"] = _said

from agent.errors import (  # noqa: E402 - the imports above need the variable out of their way
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelLoading,
    ModelMissing,
    ModelTimeout,
    ModelTooLarge,
    ModelUnavailable,
    ReplyCut,
)

__all__ = ["certificates", "cut", "langchain_ollama", "ollama", "translated"]

CONTAINER_MARK = Path("/.dockerenv")
_HERE = ("127.0.0.1", "localhost", "::1")
_MEMORY = re.compile(r"requires more system memory|out of memory|unable to allocate", re.IGNORECASE)


@cache
def certificates() -> ssl.SSLContext:
    """Those that this machine trusts. Read once, since that takes longer than all the rest of making a client."""
    return httpx.create_ssl_context()


@contextmanager
def translated(host: str, model: str = "") -> Iterator[None]:
    """Raise what goes wrong as ModelError. `model` is "" for questions about the server itself."""
    try:
        yield
    except (
        ollama.ResponseError,
        httpx.HTTPError,
        OSError,
        ValidationError,
        json.JSONDecodeError,
        UnicodeError,
    ) as error:
        raise _translate(error, host, model) from error


def cut(model: str) -> ReplyCut:
    return ReplyCut(
        f"The connection to {model} broke off before the end of its answer. What came is kept; continue it."
    )


def _translate(error: Exception, host: str, model: str) -> ModelError:
    match error:
        case ollama.ResponseError():
            return _translate_response(error, host, model)
        case httpx.ConnectError() | httpx.ConnectTimeout() | ConnectionError():
            return ModelUnavailable(f"No Ollama server answers at {host}. {_how_to_reach(host)}")
        case TimeoutError() | httpx.TimeoutException():
            return ModelTimeout(f"Ollama at {host} said nothing for too long. Look whether it is busy, then try again.")
        case httpx.HTTPError() if model:
            return cut(model)
        case _:
            return _no_ollama(host)


def _translate_response(error: ollama.ResponseError, host: str, model: str) -> ModelError:
    said = error.error.strip() or str(error.status_code)
    if error.status_code == httpx.codes.NOT_FOUND and model:
        return ModelMissing(model)
    if error.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return ModelBusy("Ollama has too many requests waiting. Try again in a moment.")
    if _MEMORY.search(said):
        return ModelTooLarge(
            f"{model} does not fit into memory ({said}). Choose a smaller model, or lower WINDOWSEAT_CONTEXT_TOKENS."
        )
    if "timed out waiting for" in said:
        return ModelLoading(
            f"Ollama gave up loading {model}. Try again, or give it longer with OLLAMA_LOAD_TIMEOUT=10m."
        )
    if "does not support thinking" in said:
        return ModelFailed(f"{model} can't think: take the session's parameter thinking away, or choose another model.")
    if "does not exist" in said and "manifest" in said:
        return ModelMissing(model, f"There is no model “{model}” to be had. Look at ollama.com for its right name.")
    if error.status_code == httpx.codes.NOT_FOUND:
        return _no_ollama(host)
    return ModelFailed(f"Ollama reported an error: {said.rstrip('.')}. Try again.")


def _no_ollama(host: str) -> ModelFailed:
    return ModelFailed(f"What answers at {host} does not speak as Ollama does. Check OLLAMA_HOST.")


def _how_to_reach(host: str) -> str:
    if CONTAINER_MARK.exists() and urlsplit(host).hostname in _HERE:
        return (
            "Start it with: ollama serve. If it runs outside of this container, set "
            "OLLAMA_HOST=http://host.docker.internal:11434 here, and OLLAMA_HOST=0.0.0.0 there."
        )
    return "Start it with: ollama serve."
