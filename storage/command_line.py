"""What the commands of `python -m storage` have in common."""

import re
from typing import Self

import click

from storage import schema
from storage.database import Database
from storage.errors import WindowseatError
from storage.migrate import version_of

OWNER = click.option("--owner", default="local", show_default=True, help="Whose sessions.")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves the cursor or turns the order of what follows."""


class Said(click.Group):
    """Says what went wrong in one sentence, with exit status 1."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except WindowseatError as error:
            raise click.ClickException(plain(str(error))) from error


def plain(text: str) -> str:
    """On one line, and without what has a terminal do things: titles and names come from files and models too."""
    return _CONTROL.sub(lambda found: " " if found.group().isspace() else "\N{REPLACEMENT CHARACTER}", text)


def in_words(*counted: int | str) -> str:
    """Numbers and nouns in turn, in words."""
    pairs = zip(counted[::2], counted[1::2], strict=True)
    return ", ".join(f"{number:,} {noun}{'' if number == 1 else 's'}" for number, noun in pairs)


def in_bytes(size: int) -> str:
    """A size in words, in the unit that suits it."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"  # noqa: PLR2004


def check_current(database: Database) -> None:
    if (found := version_of(database)) != schema.VERSION:
        raise click.ClickException(
            f"The database {database.name} is of schema {found or 'none'}, not {schema.VERSION}: "
            "bring it there with: python -m storage upgrade"
        )


class Bar:
    """A progress bar whose length is known only once the work has begun."""

    def __init__(self, label: str) -> None:
        self._bar = click.progressbar(length=1, label=label)

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.render_finish()

    def show(self, done: int, of: int) -> None:
        self._bar.length = of
        self._bar.update(done - self._bar.pos)
