"""A session as a PDF: its active path, to be printed and kept. Loads fpdf2, so it is imported where it is needed."""

from collections.abc import Sequence
from contextlib import closing, suppress

from storage.transfer.entries import title_of
from storage.transfer.pdf import letters
from storage.transfer.pdf.blocks import BOLD, Block, Run, Text, texts_of
from storage.transfer.pdf.choice import is_emoji_font
from storage.transfer.pdf.faces import Faces
from storage.transfer.pdf.files import FontFile, installed
from storage.transfer.pdf.layout import Layout
from storage.transfer.pdf.reading import blocks_of
from storage.transfer.pdf.sheet import FontsFailed, Sheet
from storage.transfer.talk import Talk


def as_pdf(talk: Talk) -> bytes:
    """The same bytes for the same session, on a machine with the same fonts."""
    blocks = [*blocks_of(talk)]
    files = installed()
    for fonts in (files, [file for file in files if not is_emoji_font(file)]):
        with suppress(FontsFailed):
            return _written(talk, blocks, fonts)
    return _written(talk, blocks, ())


def _written(talk: Talk, blocks: Sequence[Block], fonts: Sequence[FontFile]) -> bytes:
    title, *rest = blocks
    name = letters.printable(title_of(talk))
    sheet = Sheet(fonts, _letters(blocks), title=name, at=talk.last_activity)
    with closing(sheet.faces):
        layout = Layout(sheet)
        for block in (title, *_notice(sheet.faces), *rest):
            layout.draw(block)
        return sheet.content()


def _letters(blocks: Sequence[Block]) -> set[str]:
    shown: set[str] = set()
    return shown.union(*(text for block in blocks for text in texts_of(block)))


def _notice(faces: Faces) -> tuple[Block, ...]:
    """Said at the beginning, since an empty box does not say what it stands for."""
    if not faces.missing:
        return ()
    names = letters.names_of(faces.missing)
    said = (
        f"Some letters are missing below, and {faces.instead} stand for them, since the machine on which this file was "
        f"made has no font for {_listed(names)}. The HTML page of this session shows them."
    )
    return (Text((Run(said, BOLD),)),)


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
