"""The conversations of a file as they stand there, one after another, in whichever way the file lists them."""

from collections.abc import Iterator
from itertools import chain

from storage.transfer.cutting import BLANK, FOREIGN, Budget, Cut, Piece
from storage.transfer.encodings import as_utf8
from storage.transfer.files import CutShortError
from storage.transfer.heading import Outermost
from storage.transfer.ours import sessions_in
from storage.transfer.recognise import OURS

_GOES_ON = (b"[", b",", b":")


def pieces(chunks: Iterator[bytes], budget: Budget | None = None) -> Iterator[Piece]:
    """Of a list, of an object that wraps one, of one conversation alone, or of one on each line."""
    budget = budget or Budget()
    try:
        begins, rest = beginning(as_utf8(chunks))
        if begins.startswith(b"["):
            yield from Cut(1, budget).all_of(chain([begins], rest))
        elif begins.startswith(b"{"):
            yield from _in_object(begins, rest, budget)
        else:
            yield Piece(b"", "It is no JSON, which is the one form that is taken in." if begins else "It is empty.")
    except CutShortError as error:
        yield Piece(b"", str(error))


def _in_object(begins: bytes, rest: Iterator[bytes], budget: Budget) -> Iterator[Piece]:
    """Those of the list that it wraps, if there is one in its first chunk, or later in what is ours without doubt."""
    outermost, read = Outermost(), 0
    for chunk in chain([begins], rest):
        for at in outermost.feed(chunk):
            if outermost.wrapper == "sessions":
                yield from sessions_in(chunk[at:], rest, read + at)
                return
            if outermost.wrapper:
                yield from Cut(1, budget, wrapped=True, read=read + at).all_of(chain([chunk[at:]], rest))
                return
        if not OURS.match(begins):
            yield from _objects(begins, rest, budget)
            return
        read += len(chunk)
    yield Piece(b"", "It ends before its first session.")


def beginning(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first chunk that is not blank, without the blanks before it."""
    for chunk in chunks:
        if begins := chunk.lstrip(BLANK):
            more = next(chunks, b"") if len(begins) < 100 else b""  # noqa: PLR2004 - a wrapper is known by then
            return begins + more, chunks
    return b"", chunks


def _objects(begins: bytes, rest: Iterator[bytes], budget: Budget) -> Iterator[Piece]:
    """Objects one after another, told apart by their brackets; or by lines, where each has its own."""
    read = bytearray(begins)
    by_line = _is_by_line(read, rest)
    everything = chain([bytes(read)], rest)
    cut = Cut(0, budget)
    yield from _lines(cut, everything) if by_line else cut.all_of(everything)


def _is_by_line(read: bytearray, rest: Iterator[bytes]) -> bool:
    """Whether a line is whole and another object begins in the next one, for which what is needed is read on."""
    end = read.find(b"\n")
    more = end >= 0 and bool(read[end:].strip())
    while not more and len(read) <= FOREIGN.length and (chunk := next(rest, b"")):
        start = len(read)
        read += chunk
        end = read.find(b"\n", start) if end < 0 else end
        more = end >= 0 and bool(read[max(start, end) :].strip())
    if not more:
        return False
    key = bytes(read[: read.find(b'"', 1 + read.find(b'"')) + 1])
    following = read[end:].lstrip()
    # A line may be cut where one that goes on would end; but then the next one begins as it does.
    goes_on = read[:end].rstrip().endswith(_GOES_ON)
    return following.startswith(key if goes_on and key else b"{")


def _lines(cut: Cut, chunks: Iterator[bytes]) -> Iterator[Piece]:
    for chunk in chunks:
        *whole, begun = chunk.split(b"\n")
        for end in whole:
            yield from cut.feed(end)
            yield from cut.finish("This line is not whole.")
            cut.begin_line()
        yield from cut.feed(begun)
    yield from cut.finish("The file ends in the middle of it.")
