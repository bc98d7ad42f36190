"""What requests may bring: JSON, and where a file is taken in that file as it is."""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from agent import Settings

JSON_TYPES = frozenset({"application/json"})
FILE_TYPES = frozenset({"application/json", "application/zip", "application/octet-stream"})


@dataclass(frozen=True, slots=True)
class Bodies:
    """Of which media types, and how many bytes; `asked` says so to who sends others, and `setting` sets the limit."""

    kinds: frozenset[str]
    asked: str
    limit: int
    setting: str

    def refusal(self, headers: Headers) -> tuple[int, str] | None:
        """The status and the sentence, by what the headers say of a body."""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.limit:
            return 413, self.too_large
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        return (415, self.asked) if has_body(headers) and kind not in self.kinds else None

    @property
    def too_large(self) -> str:
        return f"A body has at most {self.limit:,} bytes here ({self.setting})."

    def bounded(self, receive: Receive) -> Receive:
        """Where no length was said, counts."""
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise HTTPException(413, self.too_large)
            return message

        return counted


def of_json(settings: Settings) -> Bodies:
    asked = "Send JSON, with the header Content-Type: application/json."
    return Bodies(JSON_TYPES, asked, settings.body_limit, "WINDOWSEAT_BODY_LIMIT")


def of_a_file(settings: Settings) -> Bodies:
    asked = "Send the file as it is, with the header Content-Type: application/octet-stream."
    return Bodies(FILE_TYPES, asked, settings.import_limit, "WINDOWSEAT_IMPORT_LIMIT")


def has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
