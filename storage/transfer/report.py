"""What came in of a file, counted and told."""

from collections import Counter
from dataclasses import dataclass

from storage.transfer.recognise import Kind
from storage.transfer.taken import Fate, Taken
from storage.transfer.talk import Broken

LISTED = 1000
"""Of sessions and of broken conversations, as many are named as anybody reads."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came in, or with a dry run what would.

    `new` and `grown` are sessions, `known` those of which nothing was missing; `turns` and `messages` what came in of
    them, and `hidden` the messages that were left out because the other program showed them to nobody. `busy` sessions
    were left out while a reply runs in them, and `broken` conversations for the reason that each of them names.
    `sessions`, `busy` and `broken` name the first thousand of those; the counts count them all. Where it was
    `cancelled`, what came in until then is there, in whole sessions.
    """

    kind: Kind
    dry_run: bool
    new: int = 0
    grown: int = 0
    known: int = 0
    turns: int = 0
    messages: int = 0
    hidden: int = 0
    busy_count: int = 0
    broken_count: int = 0
    sessions: tuple[Taken, ...] = ()
    busy: tuple[str, ...] = ()
    broken: tuple[Broken, ...] = ()
    cancelled: bool = False

    def __str__(self) -> str:
        """In sentences."""
        return " ".join(self._sentences())

    def _sentences(self) -> list[str]:
        came = "would come in" if self.dry_run else "came in"
        said = [] if self.new or self.grown else [f"Nothing new {came}."]
        if self.new:
            said.append(f"{_count(self.new, 'new session')} {came}.")
        if self.grown:
            said.append(f"{_count(self.grown, 'session')} {'would grow' if self.dry_run else 'grew'}.")
        if self.messages:
            said.append(f"{_count(self.messages, 'message')} in all.")
        if self.known:
            said.append(f"{_count(self.known, 'session')} {'was' if self.known == 1 else 'were'} here already.")
        if self.hidden:
            said.append(f"{_count(self.hidden, 'hidden message')} {'was' if self.hidden == 1 else 'were'} left out.")
        if self.busy_count:
            said.append(f"{_count(self.busy_count, 'session')} {'is' if self.busy_count == 1 else 'are'} busy.")
        if self.broken_count:
            said.append(f"{_count(self.broken_count, 'conversation')} could not be read.")
        if self.cancelled:
            said.append("It was cancelled before the end.")
        return said


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


class Counting:
    """A report in the making."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.sessions: list[Taken] = []
        self.busy: list[str] = []
        self.broken: list[Broken] = []

    def report(self, kind: Kind, *, dry_run: bool, cancelled: bool = False) -> Report:
        """As far as it has come."""
        return Report(
            kind,
            dry_run,
            **{name: self.counts[name] for name in _COUNTS},
            sessions=tuple(self.sessions),
            busy=tuple(self.busy),
            broken=tuple(self.broken),
            cancelled=cancelled,
        )

    def add(self, found: Taken | Broken) -> None:
        if isinstance(found, Broken):
            self.counts["broken_count"] += 1
            self.broken += [found][: LISTED - len(self.broken)]
            return
        self.counts[_COUNTED[found.fate]] += 1
        self.counts.update(turns=found.turns, messages=found.messages, hidden=found.hidden)
        if found.fate is Fate.BUSY:
            self.busy += [found.session_id][: LISTED - len(self.busy)]
        elif found.fate is not Fate.KNOWN:
            self.sessions += [found][: LISTED - len(self.sessions)]

    @property
    def done(self) -> int:
        """Conversations that have been gone through."""
        return sum(self.counts[name] for name in (*_COUNTED.values(), "broken_count"))


_COUNTS = ("new", "grown", "known", "turns", "messages", "hidden", "busy_count", "broken_count")
_COUNTED = {Fate.NEW: "new", Fate.GROWN: "grown", Fate.KNOWN: "known", Fate.BUSY: "busy_count"}
