"""Getting a model from the library: followed by anybody, cancelled by anybody, and gone on with when asked again."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import httpx

from agent.errors import ModelError, ModelFailed, PullCancelled, ReplyCut
from agent.loading import PATIENCE
from agent.ollama.chat import CONNECT_PATIENCE
from agent.ollama.wire import certificates, ollama, translated

NEXT_PATIENCE = 300.0
"""Seconds from one sign of life of a pull to the next; checking a large model takes some minutes."""


_BROKEN = "Getting {} broke off. What came is kept; get it again to go on there."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is: what the server does, and how many bytes of how many that are known yet it has."""

    doing: str
    done: int
    total: int


class Pull:
    """A model on its way. It goes on whoever looks; `cancel` ends it, and a new pull of the same name goes on there."""

    def __init__(self, host: str, name: str, finished: Callable[[], object] = lambda: None) -> None:
        self.name = name
        self._host = host
        self._progress = Progress("asking", 0, 0)
        self._layers: dict[str, tuple[int, int]] = {}
        self._count = 0
        self._failure: ModelError | None = None
        self._cancelled = threading.Event()
        self._cancel: Callable[[], object] = lambda: None
        self._changed = threading.Condition()
        self._ended = False
        self._finished = finished
        self._thread = threading.Thread(target=self._run, name=f"windowseat-pull-{name}", daemon=True)

    @property
    def progress(self) -> Progress:
        return self._progress

    @property
    def running(self) -> bool:
        return not self._ended

    def start(self) -> Self:
        self._thread.start()
        return self

    def follow(self) -> Iterator[Progress]:
        """Each step as it comes, at most the newest, to the end. Raises what `finish` raises."""
        seen, ended = 0, False
        while not ended:
            with self._changed:
                if self._count == seen and not self._ended:
                    self._changed.wait(PATIENCE)
                fresh, seen, ended = self._count > seen, self._count, self._ended
            if fresh:
                yield self._progress
        self._raise_failure()

    def finish(self) -> None:
        """Wait for the end. Raises ModelError, PullCancelled; interrupting the wait cancels."""
        try:
            for _ in self.follow():
                pass
        except KeyboardInterrupt:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Hang up on the server, which keeps what came. Returns at once."""
        self._cancelled.set()
        self._cancel()

    def _run(self) -> None:
        try:
            asyncio.run(self._until_cancelled())
        except asyncio.CancelledError:
            self._failure = PullCancelled(f"Getting {self.name} was cancelled; what came is kept for the next time.")
        except ReplyCut:
            self._failure = ModelFailed(_BROKEN.format(self.name))
        except ModelError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - on a thread of its own nobody else would hear of it
            self._failure = ModelFailed(f"Getting {self.name} failed: {error}")
        finally:
            self._finished()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    async def _until_cancelled(self) -> None:
        taking = asyncio.create_task(self._take_in())
        self._cancel = partial(asyncio.get_running_loop().call_soon_threadsafe, taking.cancel)
        if self._cancelled.is_set():
            taking.cancel()
        try:
            await taking
        finally:
            self._cancel = lambda: None

    async def _take_in(self) -> None:
        patience = httpx.Timeout(NEXT_PATIENCE, connect=CONNECT_PATIENCE)
        async with ollama.AsyncClient(host=self._host, timeout=patience, verify=certificates()) as client:
            with translated(self._host, self.name):
                async for step in await client.pull(self.name, stream=True):
                    self._note(step)
        if self._progress.doing != "success":
            raise ModelFailed(_BROKEN.format(self.name))

    def _note(self, step: Any) -> None:
        if step.digest and step.total:
            self._layers[step.digest] = (step.completed or 0, step.total)
        done, total = (sum(of) for of in zip((0, 0), *self._layers.values(), strict=True))
        with self._changed:
            self._progress = Progress(step.status or "", done, total)
            self._count += 1
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __repr__(self) -> str:
        return (
            f"<Pull of {self.name}: {self._progress.doing}, {self._progress.done:,} of {self._progress.total:,} bytes>"
        )
