"""Which words are given out: the strongest of those that rise, that fall, and that stay, each matter once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest

from storage.themes.found import CLEAR, Theme
from storage.themes.phrases import FORMS, as_written, grown, holds
from storage.themes.said import LEAST, Counts, Said
from storage.words import is_spaceless

WIDE = 4
"""So many times more than are wanted are looked at closely, since some of them are one matter."""

SAME = 2 / 3
"""Two words are one matter where so many of the prompts with either have both."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word or phrase, folded, with the places of the prompts that hold it, and how it rises."""

    text: str
    holders: tuple[int, ...]
    rise: float


def chosen(said: Sequence[Said], counts: Counts, count: int) -> tuple[Theme, ...]:
    """Up to `count` themes that rise, as many that fall, and that do neither."""
    found = _candidates(said, counts, count)
    groups = (
        sorted((one for one in found if one.rise >= CLEAR), key=lambda one: -one.rise),
        sorted((one for one in found if one.rise <= -CLEAR), key=lambda one: one.rise),
        [one for one in found if abs(one.rise) < CLEAR],
    )
    kept: list[Candidate] = []
    for group in groups:
        _keep(kept, group, len(kept) + count)
    themes = (_theme(one, said, len(counts.prompts)) for one in kept)
    return tuple(sorted(themes, key=lambda theme: (-theme.total, theme.text)))


def _candidates(said: Sequence[Said], counts: Counts, count: int) -> list[Candidate]:
    """Those with the most prompts first."""
    units = counts.candidates()
    wide = WIDE * count
    by_number = nlargest(wide, units, key=lambda unit: unit[1:])
    shortlist = {unit for *_, unit in (*nlargest(wide, units), *nsmallest(wide, units), *by_number)}
    found: dict[str, Candidate] = {}
    for unit, holders in _holders(said, shortlist).items():
        if (one := _closely(unit, holders, said, counts)) is not None:
            known = found.setdefault(one.text, one)
            found[one.text] = max(known, one, key=lambda candidate: len(candidate.holders))
    return sorted(found.values(), key=lambda one: (-len(one.holders), one.text))


def _holders(said: Sequence[Said], units: set[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {unit: [] for unit in sorted(units)}
    for place, one in enumerate(said):
        for unit in one.units & units:
            found[unit].append(place)
    return found


def _closely(unit: str, holders: list[int], said: Sequence[Said], counts: Counts) -> Candidate | None:
    """None where too few different prompts hold it."""
    text = grown(unit, [said[place].line for place in holders], counts.fillers)
    holding = tuple(place for place in holders if holds(said[place].line, text))
    if len({said[place].line for place in holding}) < LEAST:
        return None
    late = sum(said[place].week >= counts.sides.turning for place in holding)
    return Candidate(text, holding, counts.sides.rise(late, len(holding)))


def _keep(kept: list[Candidate], group: Iterable[Candidate], most: int) -> None:
    for one in group:
        if len(kept) == most:
            return
        if not any(_are_one(one, other) for other in kept):
            kept.append(one)


def _are_one(one: Candidate, other: Candidate) -> bool:
    """Whether one is a part of the other, or hardly ever said without it."""
    shorter, longer = sorted((one.text, other.text), key=len)
    if shorter in longer if is_spaceless(shorter) else {*shorter.split()} <= {*longer.split()}:
        return True
    both = len({*one.holders}.intersection(other.holders))
    return both >= SAME * (len(one.holders) + len(other.holders) - both)


def _theme(one: Candidate, said: Sequence[Said], weeks: int) -> Theme:
    of_week = Counter(said[place].week for place in one.holders)
    newest = (said[place].text for place in one.holders[-FORMS:])
    return Theme(as_written(one.text, newest), tuple(of_week[week] for week in range(weeks)), one.rise)
