"""Texts cut into lines."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from storage.transfer.pdf import letters
from storage.transfer.pdf.blocks import Run, Runs, Style

Measure = Callable[[str, Style], float]
"""How wide a text is in a style."""

_WIDE = "\u2e80-\u2fff\u3003-\u3007\u3012-\u30ff\u3100-\u9fff\uf900-\ufaff\uff02-\uff60\U00020000-\U0003ffff"
_CLOSING = "\u3001\u3002\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\u2019\u201d\u300d\u300f\u3011\u3015"
_WORDS = re.compile(
    rf"\n|[^\S\n\xa0\u2007\u202f]+|[{_WIDE}][{_CLOSING}]*|(?:(?![{_WIDE}])\S|[\xa0\u2007\u202f])+",
)
"""Line ends, spaces, single characters of scripts without spaces with what may not begin a line, and words."""

_ZERO_WIDTH_JOINER = "\u200d"

LONGEST = 500
"""More letters than any line has room for."""

MOST_MARKS = 20
"""Upon one letter: more are cut off from it, as if they were letters."""


def lines(runs: Iterable[Run], width: float, measure: Measure, *, anywhere: bool = False) -> Iterator[Runs]:
    """The lines; at least one, which may be empty. Spaces are left out where a line ends, not where it begins.

    A word that is too wide for any line is cut; of what may be cut `anywhere`, as code, so is all.
    """
    line = _Line(width, measure)
    for word in _pieces(runs) if anywhere else _words(runs):
        if word[0].text == "\n":
            yield line.taken()
        elif line.takes(word):
            continue
        elif word[0].text.isspace() and not anywhere:
            line.is_full = True
        else:
            if line.runs and not anywhere:
                yield line.taken()
            yield from line.filled(word)
    yield line.taken()


class _Line:
    """A line that is being filled."""

    def __init__(self, width: float, measure: Measure) -> None:
        self._width, self._measure = width, measure
        self._used = 0.0
        self.runs: list[Run] = []
        self.is_full = False

    def taken(self) -> Runs:
        """What is in it; it is empty after that."""
        runs, self.runs = self.runs, []
        self._used, self.is_full = 0.0, False
        while runs and runs[-1].text.isspace():
            runs.pop()
        return tuple(_joined(runs))

    def takes(self, word: Sequence[Run]) -> bool:
        """Whether there was room for it. What is longer than any line is not even measured."""
        if self.is_full or sum(len(part.text) for part in word) > LONGEST:
            return False
        wide = sum(self._measure(text, style) for text, style in word)
        if self._used + wide > self._width:
            return False
        self.runs += word
        self._used += wide
        return True

    def filled(self, word: Sequence[Run]) -> Iterator[Runs]:
        """The lines that a word fills; what is left of it stays. A letter stands even where it has no room."""
        if self.takes(word):
            return
        for letter in _letters(word):
            if not self.takes(letter):
                if self.runs:
                    yield self.taken()
                if not self.takes(letter):
                    self.runs += letter


def _joined(runs: Iterable[Run]) -> Iterator[Run]:
    for style, of in groupby(runs, lambda run: run.style):
        yield Run("".join(run.text for run in of), style)


def _words(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """What is not to be cut; a word may be in several styles."""
    word: list[Run] = []
    for text, style in runs:
        for found in _WORDS.finditer(text):
            part = Run(found.group(), style)
            if word and (word[0].text.isspace() or part.text.isspace() or _is_wide(part) or _is_wide(word[-1])):
                yield word
                word = []
            word.append(part)
    if word:
        yield word


def _pieces(runs: Iterable[Run]) -> Iterator[list[Run]]:
    for text, style in runs:
        for part in re.split("(\n)", text):
            if part:
                yield [Run(part, style)]


def _is_wide(part: Run) -> bool:
    return not part.text.isascii() and re.match(f"[{_WIDE}]", part.text) is not None


def _letters(word: Iterable[Run]) -> Iterator[list[Run]]:
    """One after the other, each with the marks upon it."""
    for text, style in word:
        cluster = ""
        for letter in text:
            stays = letters.is_mark(letter) or letters.joins(letter) or cluster.endswith(_ZERO_WIDTH_JOINER)
            if cluster and (not stays or len(cluster) > MOST_MARKS):
                yield [Run(cluster, style)]
                cluster = ""
            cluster += letter
        yield [Run(cluster, style)]
