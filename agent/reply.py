"""A reply: text that arrives, any number of readers, one end."""

import html
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self

from markdown_it import MarkdownIt

from agent.errors import ModelError
from agent.loading import PATIENCE
from agent.receipt import Receipt
from storage import Status, WindowseatError


class Growing:
    """Text in pieces, read from any place. Its user keeps others out."""

    def __init__(self, begun: str = "") -> None:
        self.length = 0
        self._pieces: list[str] = []
        self._starts: list[int] = []
        if begun:
            self.add(begun)

    def add(self, piece: str) -> None:
        self._starts.append(self.length)
        self._pieces.append(piece)
        self.length += len(piece)

    def since(self, start: int) -> str:
        if start >= self.length:
            return ""
        place = bisect_right(self._starts, start) - 1
        return "".join(self._pieces[place:])[start - self._starts[place] :]


class Reply:
    """What the model answers in one turn. Readers come and go; none of them owns it, and only `stop` ends it.

    `elsewhere` says that it runs in another process: then waiting reads the database.
    `status` is `running`, then one of the end statuses, once the turn is closed in the store. `text` is all
    there is so far. `error` is the sentence for a reply that did not reach its end by itself; `trouble` says why
    one that has ended can't be closed in the store yet.
    """

    elsewhere = False

    def __init__(self, turn_id: int, prompt: str, model: str, receipt: Receipt | None, *, begun: str = "") -> None:
        """`begun` is the text of a reply that is continued."""
        self.turn_id = turn_id
        self.prompt = prompt
        self.model = model
        self.receipt = receipt
        self.opened_at = datetime.now(UTC)
        self.status = Status.RUNNING
        self.error: str | None = None
        self.trouble: str | None = None
        self.first_text_at: datetime | None = None
        self.stop_asked = False
        self.hung_up = False
        self._failure: WindowseatError | None = None
        self._text = Growing(begun)
        self._thinking = Growing()
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._hang_up: Callable[[], object] | None = None

    @property
    def text(self) -> str:
        return self.since(0)

    @property
    def thinking(self) -> str:
        """What the model thought before its answer, as far as it told."""
        return self.thinking_since(0)

    @property
    def running(self) -> bool:
        return self.status is Status.RUNNING

    def since(self, start: int) -> str:
        """What there is after the first `start` characters."""
        with self._changed:
            return self._text.since(start)

    def thinking_since(self, start: int) -> str:
        """The same of its thinking."""
        with self._changed:
            return self._thinking.since(start)

    def wait(self, start: int, timeout: float) -> bool:
        """Wait until there is more than `start` characters, or the end; False where the seconds ran out."""
        return self._wait_for(lambda: self._text.length > start or not self.running, timeout)

    def wait_for_more(self, text: int, thinking: int, timeout: float) -> bool:
        """The same for who shows the thinking too."""
        return self._wait_for(
            lambda: self._text.length > text or self._thinking.length > thinking or not self.running, timeout
        )

    def wait_for_end(self, timeout: float) -> bool:
        """Wait until the turn is closed; False where the seconds ran out."""
        # Not the condition: whoever waits for the end only is not woken by every word.
        return self._ended.wait(timeout)

    def follow(self, start: int = 0) -> Iterator[str]:
        """The text after the first `start` characters as it arrives, to the end.

        Raises the error of a reply that failed, after its text.
        """
        while True:
            while not self.wait(start, PATIENCE):
                pass
            ended = not self.running
            if more := self.since(start):
                start += len(more)
                yield more
            elif ended:
                break
        self.raise_failure()

    def finish(self) -> Self:
        """Wait for the end. Raises the error of a reply that failed; interrupting the wait stops the reply."""
        try:
            while not self.wait_for_end(PATIENCE):
                pass
        except KeyboardInterrupt:
            self.stop()
            raise
        self.raise_failure()
        return self

    def stop(self) -> None:
        """Hang up on the model and keep the text so far. Returns at once; does nothing after the end."""
        self.stop_asked = True
        self.hang_up()

    def hang_up(self) -> None:
        """End the model's answer; without `stop`, that is an interruption."""
        self.hung_up = True
        if self.running and self._hang_up is not None:
            self._hang_up()

    def raise_failure(self) -> None:
        if self.status is Status.FAILED:
            raise self._failure or ModelError(self.error or "The reply failed.")

    def can_be_stopped_by(self, hang_up: Callable[[], object]) -> None:
        """Say how to hang up on the model. Whoever runs the reply calls this."""
        self._hang_up = hang_up
        if self.hung_up:
            hang_up()

    def add(self, text: str) -> None:
        """More text has come. Whoever runs the reply calls this."""
        if not text:
            return
        with self._changed:
            if self.first_text_at is None:
                self.first_text_at = datetime.now(UTC)
            self._text.add(text)
            self._changed.notify_all()

    def think(self, text: str) -> None:
        """More thinking has come. Whoever runs the reply calls this."""
        if text:
            with self._changed:
                self._thinking.add(text)
                self._changed.notify_all()

    def end(self, status: Status, failure: WindowseatError | str | None = None) -> None:
        """The turn is closed. Whoever runs the reply calls this, once."""
        with self._changed:
            self._failure = failure if isinstance(failure, WindowseatError) else None
            self.error = None if failure is None else str(failure)
            self.trouble = None
            self.status = status
            self._changed.notify_all()
        self._ended.set()

    def _wait_for(self, happened: Callable[[], bool], timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(happened, timeout)

    def __repr__(self) -> str:
        return f"<Reply to turn {self.turn_id} by {self.model}: {self.status}, {self._text.length} characters>"

    def _repr_html_(self) -> str:
        """The reply's Markdown for a notebook, which trusts what a cell shows: no HTML of the model's, no images."""
        shown: str = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(self.text)
        if self.status is Status.COMPLETE:
            return shown
        return f"{shown}<p><em>{html.escape(f'{self.status}: {self.error}' if self.error else self.status)}</em></p>"
