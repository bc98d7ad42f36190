"""Where replies run: one event loop on a thread of its own, with one thread beside it that writes to the store.

Replies live here and not in a browser session, a request or a notebook cell, so that none of those can end one.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from agent.errors import AgentClosed
from agent.reply import Reply
from agent.writer import Writer
from storage import Piece, Status, Store, StoreError

CHECKPOINT = 0.4
"""Seconds from one checkpoint of all running replies to the next."""

LAST_WAIT = 3.0
"""How long closing waits for what runs to be hung up and closed in the store, in seconds."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class Runner:
    """Runs replies until they end, and checkpoints them. Whoever makes it closes it.

    Its threads start with the first reply.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._replies: dict[int, Reply] = {}
        self._kept: dict[int, tuple[int, int]] = {}
        self._pieces: tuple[list[Piece], list[Piece]] = ([], [])
        self._lives: set[asyncio.Task[Any]] = set()
        self._process: int | None = None
        self._lock = threading.Lock()
        self._threads: _Threads | None = None
        self._closed = False

    @property
    def process_id(self) -> int:
        """The number under which this process opens turns; asked for at the first one. Raises AgentClosed."""
        with self._lock:
            if self._closed:
                raise AgentClosed
            if self._process is None:
                self._process = self._store.running.begin_process()
            return self._process

    def reply(self, turn_id: int) -> Reply | None:
        """The reply of a turn that runs in this process."""
        return self._replies.get(turn_id)

    @property
    def running(self) -> int:
        """How many replies run in this process."""
        return len(self._replies)

    def sweep(self) -> None:
        """End turns that nobody runs: those of processes that are gone, and any that this one has lost."""
        self._store.running.sweep(process_id=self._process, runs=set(self._replies))

    def launch(self, reply: Reply, life: Coroutine[Any, Any, None]) -> None:
        """Run the life of a reply to its end, whatever becomes of the caller. Raises AgentClosed."""
        threads = self._started()
        with self._lock:
            if self._closed:
                life.close()
                raise AgentClosed
            # What a reply that is continued begins with was kept when its turn was opened.
            self._kept[reply.turn_id] = (len(reply.text), 0)
            self._replies[reply.turn_id] = reply
            asyncio.run_coroutine_threadsafe(self._live(reply, life), threads.loop)

    def hold(self, reply: Reply) -> None:
        """Keep the lease of a reply that runs elsewhere in this process, until it is released. Raises AgentClosed."""
        self._started()
        with self._lock:
            if self._closed:
                raise AgentClosed
            self._replies[reply.turn_id] = reply

    def release(self, reply: Reply) -> None:
        self._replies.pop(reply.turn_id, None)
        self._kept.pop(reply.turn_id, None)

    def launch_aside(self, job: Coroutine[Any, Any, None]) -> Future[None]:
        """Do something on the loop that no reply waits for, and that closing cancels. Raises AgentClosed."""
        threads = self._started()
        with self._lock:
            if self._closed:
                job.close()
                raise AgentClosed
            return asyncio.run_coroutine_threadsafe(job, threads.loop)

    async def in_thread(self, job: Callable[[], T]) -> T:
        """Do something slow away from the loop. Closing waits for it: it may be in the midst of opening a turn."""
        doing = asyncio.get_running_loop().run_in_executor(None, job)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing], timeout=LAST_WAIT)
            raise

    async def write(self, job: Callable[[], T]) -> T:
        """Do something with the store on the writer's thread, so that the loop never waits for a disk.

        Once asked for it is done, also where the caller is cancelled.
        """
        return await asyncio.shield(self._started().writer.do(job))

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Hang up on what runs, close it as interrupted, and end the threads.

        `last` is done on the loop when nothing else runs there any more.
        """
        threads = self._started()
        with self._lock:
            self._closed = True
        for reply in list(self._replies.values()):
            reply.hang_up()
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._wind_up(last), threads.loop).exception(2 * LAST_WAIT)
        threads.close()
        if self._process is not None:
            with suppress(StoreError):  # Its lease runs out all the same.
                self._store.running.end_process(self._process)

    def _started(self) -> "_Threads":
        with self._lock:
            if self._threads is None:
                self._threads = _Threads()
                asyncio.run_coroutine_threadsafe(self._keep_checkpoints(), self._threads.loop)
            return self._threads

    async def _live(self, reply: Reply, life: Coroutine[Any, Any, None]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        self._lives.add(task)
        try:
            await life
        finally:
            self._lives.discard(task)
            self._replies.pop(reply.turn_id, None)
            self._kept.pop(reply.turn_id, None)
            if reply.running:
                reply.end(Status.INTERRUPTED, "The reply was broken off, and is kept as far as it was checkpointed.")

    async def _keep_checkpoints(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT)
            if self._replies:
                try:
                    await self.write(self._checkpoint)
                except StoreError:
                    pass  # The next one tries again, with all the text that is missing.
                except Exception:
                    log.exception("A checkpoint failed.")

    def _checkpoint(self) -> None:
        """Keep what is new of every running reply; the store's answer says which of them to stop."""
        if self._process is None:
            return
        # The same pieces again where the last checkpoint failed: nobody knows whether it was kept after all.
        if not any(self._pieces):
            self._pieces = self._new_pieces()
        text, thinking = self._pieces
        to_stop = self._store.running.checkpoint(self._process, text, thinking)
        for piece in text:
            self._note_kept(piece.turn_id, text=piece.start + len(piece.text))
        for piece in thinking:
            self._note_kept(piece.turn_id, thinking=piece.start + len(piece.text))
        self._pieces = ([], [])
        for turn_id in to_stop:
            if reply := self._replies.get(turn_id):
                reply.stop()

    def _new_pieces(self) -> tuple[list[Piece], list[Piece]]:
        """Text and thinking that no checkpoint has kept yet."""
        text, thinking = [], []
        for reply in list(self._replies.values()):
            kept_text, kept_thinking = self._kept.get(reply.turn_id, (0, 0))
            text.append(Piece(reply.turn_id, kept_text, reply.since(kept_text)))
            thinking.append(Piece(reply.turn_id, kept_thinking, reply.thinking_since(kept_thinking)))
        return [piece for piece in text if piece.text], [piece for piece in thinking if piece.text]

    def _note_kept(self, turn_id: int, *, text: int | None = None, thinking: int | None = None) -> None:
        if turn_id in self._replies:
            before = self._kept.get(turn_id, (0, 0))
            self._kept[turn_id] = (before[0] if text is None else text, before[1] if thinking is None else thinking)

    async def _wind_up(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let the replies that were hung up on be closed in the store, then cancel what is left."""
        if self._lives:
            await asyncio.wait(self._lives, timeout=LAST_WAIT)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await last()


class _Threads:
    """The event loop's thread and the writer's, running from the beginning."""

    def __init__(self) -> None:
        self.writer = Writer()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="windowseat-loop", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.writer.close()
        self.loop.close()
