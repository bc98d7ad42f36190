"""`python -m storage`: look after a store from the command line."""

import os
from pathlib import Path
from typing import Self

import click
from dotenv import dotenv_values

from storage import schema
from storage.backup import back_up, restore
from storage.database import Database
from storage.errors import WindowseatError
from storage.migrate import migrate, version_of
from storage.place import DATABASE_URL, default_url
from storage.verify import CHECKS, verify


class _Said(click.Group):
    """Says what went wrong in one sentence, with exit status 1."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except WindowseatError as error:
            raise click.ClickException(str(error)) from error


def _address() -> str:
    return os.environ.get(DATABASE_URL) or dotenv_values(".env").get(DATABASE_URL) or default_url()


@click.group(cls=_Said, help="Look after Windowseat's database. Exit status: 0 well, 1 something is wrong, 2 usage.")
@click.option("--database", "url", default=_address, show_default=f"{DATABASE_URL}, else the user's data folder")
@click.pass_context
def main(context: click.Context, url: str) -> None:
    context.obj = Database(url)
    context.call_on_close(context.obj.close)


@main.command("verify", help="Check that everything in the database agrees with itself. Changes nothing.")
@click.pass_obj
def verify_command(database: Database) -> None:
    _check_current(database)
    wrong = 0
    with click.progressbar(verify(database), length=len(database.integrity_checks) + len(CHECKS) + 1) as steps:
        findings = [(name, sentences) for name, sentences in steps]
    for name, sentences in findings:
        click.echo(f"{'wrong' if sentences else '   ok'}  {name}")
        for sentence in sentences:
            click.echo(f"       {sentence}")
        wrong += len(sentences)
    if wrong:
        raise SystemExit(1)


@main.command("backup", help="Copy the database to a new file, while it is in use.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup_command(database: Database, file: Path) -> None:
    _check_current(database)
    with _Bar("Copying") as bar:
        back_up(database, file, bar.show)
    click.echo(f"Backed up to {file} ({file.stat().st_size / 1e6:,.1f} MB).")


@main.command("restore", help="Bring a backup back into a database that holds nothing yet.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def restore_command(database: Database, file: Path) -> None:
    with _Bar("Copying") as bar:
        restore(database, file, bar.show)
    migrate(database)
    click.echo(f"Restored {file} to {database.name}.")


@main.command("upgrade", help="Bring the database to the newest schema; the page does the same when it starts.")
@click.pass_obj
def upgrade_command(database: Database) -> None:
    before = version_of(database)
    migrate(database)
    if before == schema.VERSION:
        click.echo(f"The database is of schema {before}, the newest.")
    else:
        click.echo(f"The database went from schema {before or 'none'} to {schema.VERSION}.")


def _check_current(database: Database) -> None:
    if (found := version_of(database)) != schema.VERSION:
        raise click.ClickException(
            f"The database {database.name} is of schema {found or 'none'}, not {schema.VERSION}: "
            "bring it there with: python -m storage upgrade"
        )


class _Bar:
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


if __name__ == "__main__":
    main(prog_name="python -m storage")
