"""Font files made for a test: each letter is a square."""

import struct
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

ASCII = "".join(map(chr, range(0x20, 0x7F)))


def make_font(path: Path, family: str, letters: str) -> None:
    """Write a font that has these letters and no others."""
    glyphs = {letter: f"g{number}" for number, letter in enumerate(dict.fromkeys(letters))}
    names = [".notdef", *glyphs.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): name for letter, name in glyphs.items()})
    builder.setupGlyf(dict.fromkeys(names, _square()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "fullName": family, "psName": family})
    builder.setupOS2(usWeightClass=400, usWidthClass=5)
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)


def break_letters(path: Path) -> None:
    """Spoil the shapes of a font's letters: all else in it is as it should be."""
    content = bytearray(path.read_bytes())
    entry = content.index(b"glyf")
    offset, length = struct.unpack(">LL", content[entry + 8 : entry + 16])
    content[offset : offset + length] = b"\x7f" * length
    path.write_bytes(content)


def _square() -> object:
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for corner in ((50, 500), (550, 500), (550, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()
