"""UTF-8 from what may be UTF-8 or UTF-16: the encodings in which JSON is exported."""

import codecs
from collections.abc import Iterator
from itertools import chain

from storage.transfer.files import CutShortError

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WIDEST = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def as_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same text without its mark. That UTF-8 is well formed is for its reader to see, one conversation at a time.

    Raises CutShortError for another encoding that shows at the beginning.
    """
    begins = b""
    for chunk in chunks:
        begins += chunk
        if len(begins) >= len(codecs.BOM_UTF32_LE):
            break
    if begins.startswith(_WIDEST) or (b"\0" in begins[:4] and not begins.startswith(_WIDE)):
        raise CutShortError("It is in an encoding that is not read: save it as UTF-8.")
    if begins.startswith(_WIDE):
        return _narrowed(chain([begins], chunks))
    return chain([begins.removeprefix(codecs.BOM_UTF8)], chunks)


def _narrowed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()
