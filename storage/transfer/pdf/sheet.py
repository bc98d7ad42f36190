"""The pages of a PDF: what fpdf2 writes, one line after the other, from the top of a page to its foot."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from fpdf import FPDF

from storage.transfer.pdf import letters
from storage.transfer.pdf.blocks import PLAIN, Style
from storage.transfer.pdf.faces import Face, Faces
from storage.transfer.pdf.files import FontFile

MARGIN = 54.0
"""In points, as all that follows."""

SIZE = 10.5
INK, FAINT, MARK, LINK = (14, 18, 21), (91, 99, 104), (29, 106, 114), (18, 91, 138)
LINE, SOFT = (205, 200, 190), (245, 243, 238)
_FOOT = 24.0
_ASCENT, _MIDDLE = 0.8, 0.55
"""How much of a letter's size is above the line that it stands on, and above its middle."""

Colour = tuple[int, int, int]
_REMEMBERED = 200_000


class Piece(NamedTuple):
    """Letters that are drawn in one go."""

    text: str
    face: Face
    style: Style = PLAIN
    leftwards: bool = False


class FontsFailed(Exception):
    """One of the fonts can't be written into the file."""


class _Document(FPDF):
    def footer(self) -> None:
        self.set_font("helvetica", "", 8)
        self.set_text_color(*FAINT)
        number = str(self.page_no())
        self.text((self.w - self.get_string_width(number)) / 2, self.h - _FOOT, number)


class Sheet:
    """`y` is where the next line begins. What is higher than a page is the caller's to cut."""

    def __init__(self, files: Sequence[FontFile], shown: Collection[str], *, title: str, at: datetime) -> None:
        self._pdf = pdf = _Document(unit="pt", format="A4")
        pdf.set_auto_page_break(auto=False)
        pdf.alias_nb_pages("")
        pdf.c_margin = 0
        pdf.core_fonts_encoding = "cp1252"
        pdf.set_title(title)
        pdf.set_creator("Windowseat")
        pdf.set_creation_date(at)
        self.faces = Faces(pdf, files, shown)
        self._measured: dict[tuple[str, Style], float] = {}
        self.left, self.right = MARGIN, pdf.w - MARGIN
        self.bottom = pdf.h - MARGIN
        self.begin_page()

    def begin_page(self) -> None:
        self._pdf.add_page()
        self.y = self.top = MARGIN

    @property
    def breadth(self) -> float:
        return self.right - self.left

    @property
    def room(self) -> float:
        return self.bottom - self.y

    @property
    def whole(self) -> float:
        """The room of an empty page."""
        return self.bottom - self.top

    def need(self, height: float) -> None:
        """Go to the next page if this one has no room for so much, unless it is empty."""
        if self.room < height and self.y > self.top:
            self.begin_page()

    def mark(self, name: str) -> None:
        """Have the PDF's table of contents lead here."""
        self._pdf.set_y(self.y)
        self._pdf.start_section(name)

    def measure(self, text: str, style: Style, size: float) -> float:
        key = text, style
        if key not in self._measured:
            if len(self._measured) > _REMEMBERED:
                self._measured.clear()
            pieces = (Piece(part, face, style) for face, part in self.faces.split(text, style))
            self._measured[key] = sum(self.width_of(piece, 1) for piece in pieces)
        return self._measured[key] * size

    def width_of(self, piece: Piece, size: float) -> float:
        if letters.is_shaped(piece.text):
            return self._shaped_width(piece) * size
        return piece.face.width(piece.text) * size / 1000

    def _shaped_width(self, piece: Piece) -> float:
        self._shape(piece, SIZE)
        width = self._pdf.get_string_width(piece.text)
        self._pdf.set_text_shaping(use_shaping_engine=False)
        return float(width) / SIZE

    def draw(self, piece: Piece, x: float, top: float, width: float, size: float, colour: Colour) -> None:
        """Draw letters that are so wide, and begin that far down."""
        self._pdf.set_text_color(*(LINK if piece.style.link else colour))
        if letters.is_shaped(piece.text) or piece.leftwards:
            self._shape(piece, size)
            self._pdf.set_xy(x, top)
            self._pdf.cell(width, size, piece.text)
            self._pdf.set_text_shaping(use_shaping_engine=False)
        else:
            self._pdf.set_font(piece.face.family, piece.face.style, size)
            self._pdf.text(x, top + _ASCENT * size, piece.text)
        self._adorn(piece.style, x, top, width, size)

    def _shape(self, piece: Piece, size: float) -> None:
        self._pdf.set_font(piece.face.family, piece.face.style, size)
        leftwards = piece.leftwards or letters.runs_left(piece.text)
        self._pdf.set_text_shaping(use_shaping_engine=True, direction="rtl" if leftwards else "ltr")

    def _adorn(self, style: Style, x: float, top: float, width: float, size: float) -> None:
        if style.struck:
            middle = top + _MIDDLE * size
            self.line(x, middle, x + width, middle, colour=INK)
        if style.link:
            self._pdf.link(x, top, width, size, style.link)

    def line(self, x: float, y: float, to_x: float, to_y: float, *, colour: Colour = LINE, width: float = 0.6) -> None:
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.line(x, y, to_x, to_y)

    def fill(self, x: float, y: float, width: float, height: float, *, colour: Colour = SOFT) -> None:
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(x, y, width, height, style="F")

    def image(self, content: Any, x: float, y: float, width: float, height: float) -> None:
        self._pdf.image(content, x, y, width, height)

    def content(self) -> bytes:
        """The file. Nothing can be added after that. Raises FontsFailed."""
        try:
            return bytes(self._pdf.output())
        except Exception as error:
            # A broken font brings its reader to whatever comes, and some are first looked into here.
            raise FontsFailed from error
