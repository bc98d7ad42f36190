"""The font files of this machine."""

import os
import shutil
import subprocess
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

_ENDINGS = {".ttf", ".otf", ".ttc", ".otc"}
_FIELDS = ("file", "index", "family[0]", "weight", "slant", "width", "spacing", "charset")
_PATIENCE = 20
"""Seconds for fontconfig, which looks through all folders when somebody has just added a font."""

_REGULAR, _BOLD, _NORMAL_WIDTH, _MONO = (75, 80), (180, 200), 100, 100
"""Numbers of fontconfig's: weights from light to dark, width and spacing."""

_REGULAR_CLASS, _BOLD_CLASS, _NORMAL_CLASS = (350, 400), (600, 700), 5
"""The same as a font file says it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`odd` is what nobody would choose for a text: narrow, wide, thin or black."""

    family: str
    bold: bool
    italic: bool
    mono: bool
    odd: bool
    covers: "frozenset[int] | Ranges"


@dataclass(frozen=True, eq=False)
class FontFile:
    """A font; `number` is its place in a file of several. `name` says roughly what it is."""

    path: Path
    number: int
    name: str
    known: Facts | None = None

    @cached_property
    def facts(self) -> Facts | None:
        """As fontconfig knows them, else as the file says; None of a broken one."""
        if self.known is not None:
            return self.known
        try:
            return _read(self.path, self.path.stat().st_mtime_ns)
        except Exception:  # noqa: BLE001 - a broken file brings its reader to whatever comes
            return None


class Ranges:
    """Numbers from first to last, a few thousand of such."""

    def __init__(self, text: str) -> None:
        ends = [part.split("-") for part in text.split()]
        self._firsts = [int(part[0], 16) for part in ends]
        self._lasts = [int(part[-1], 16) for part in ends]

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]


def installed() -> Sequence[FontFile]:
    """All fonts, by fontconfig where there is one, else those in the usual folders of any system."""
    return _listed() or [FontFile(path, 0, path.stem) for path in sorted(set(_lying()))]


def _listed() -> list[FontFile]:
    program = shutil.which("fc-list")
    if program is None:
        return []
    wanted = "\\t".join(f"%{{{field}}}" for field in _FIELDS) + "\\n"
    try:
        done = subprocess.run([program, "--format", wanted], capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return []
    lines = sorted(set(done.stdout.decode(errors="replace").splitlines()))
    return [font for line in lines if (font := _from_line(line.split("\t"))) is not None]


def _from_line(fields: list[str]) -> FontFile | None:
    if len(fields) != len(_FIELDS) or Path(fields[0]).suffix.lower() not in _ENDINGS:
        return None
    file, index, family, weight, slant, width, spacing, charset = fields
    number = int(index or 0)
    if number >= 2**16:  # An instance of a variable font: its file is in the list by itself.
        return None
    heavy = _number(weight, _REGULAR[0])
    facts = Facts(
        family,
        bold=heavy >= _BOLD[0],
        italic=_number(slant) > 0,
        mono=_number(spacing) >= _MONO,
        odd=_number(width, _NORMAL_WIDTH) != _NORMAL_WIDTH or not _is_usual(heavy, _REGULAR, _BOLD),
        covers=Ranges(charset),
    )
    return FontFile(Path(file), number, family, facts)


def _number(text: str, usual: float = 0) -> float:
    """That of a variable font is a range: what it draws unasked is somewhere in it."""
    if text.startswith("["):
        return usual
    try:
        return float(text)
    except ValueError:
        return usual


def _is_usual(heavy: float, *usual: tuple[float, float]) -> bool:
    return any(least <= heavy <= most for least, most in usual)


def _folders() -> Iterator[Path]:
    home = Path.home()
    variables = os.environ
    yield Path(variables.get("XDG_DATA_HOME") or home / ".local" / "share") / "fonts"
    yield home / ".fonts"
    for folder in (variables.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":"):
        yield Path(folder) / "fonts"
    yield from (home / "Library" / "Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts"))
    if windows := variables.get("WINDIR"):
        yield Path(windows) / "Fonts"
    if local := variables.get("LOCALAPPDATA"):
        yield Path(local) / "Microsoft" / "Windows" / "Fonts"


def _lying() -> Iterator[Path]:
    for folder in _folders():
        for path, _, names in os.walk(folder):
            yield from (Path(path, name) for name in names if Path(name).suffix.lower() in _ENDINGS)


@lru_cache(maxsize=5000)
def _read(path: Path, _changed: int) -> Facts:
    with path.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as font:
        heavy = font["OS/2"].usWeightClass
        return Facts(
            str(font["name"].getBestFamilyName() or path.stem),
            bold=heavy >= _BOLD_CLASS[0],
            italic=font["post"].italicAngle != 0,
            mono=bool(font["post"].isFixedPitch),
            odd=font["OS/2"].usWidthClass != _NORMAL_CLASS or not _is_usual(heavy, _REGULAR_CLASS, _BOLD_CLASS),
            covers=frozenset(font.getBestCmap() or ()),
        )
