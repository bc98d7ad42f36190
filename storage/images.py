"""The images of prompts, kept once for each session."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.rows import find_session, insert_if_missing
from storage.schema import images

_BEGINNINGS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))

_CONTENT = sa.select(images.c.content).where(
    images.c.session_key == sa.bindparam("key"), images.c.digest == sa.bindparam("called")
)
_DROP = sa.delete(images).where(images.c.session_key == sa.bindparam("key"))


def media_type_of_image(content: bytes) -> str | None:
    """By how it begins: PNG, JPEG, GIF and WebP are images that are kept, and None is none of them."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for begin, kind in _BEGINNINGS if content.startswith(begin)), None)


class Images:
    def __init__(self, database: Database) -> None:
        self._database = database

    def contents(self, owner: str, session_id: str, digests: Collection[str]) -> dict[str, bytes]:
        """Those of the images that the session has, by digest. Raises SessionNotFound."""
        if not digests:
            return {}
        with self._database.read() as transaction:
            return contents_of(transaction, find_session(transaction, owner, session_id).key, digests)


def contents_of(transaction: Transaction, key: int, digests: Collection[str]) -> dict[str, bytes]:
    found = {name: transaction.value(_CONTENT, {"key": key, "called": name}) for name in set(digests)}
    return {name: bytes(content) for name, content in found.items() if content is not None}


def keep_images(transaction: Transaction, key: int, contents: Mapping[str, bytes]) -> None:
    rows = [{"session_key": key, "digest": digest, "content": content} for digest, content in contents.items()]
    transaction.change_all(insert_if_missing(transaction, images, "session_key", "digest", "content"), rows)


def drop_images(transaction: Transaction, key: int) -> None:
    transaction.change(_DROP, {"key": key})
