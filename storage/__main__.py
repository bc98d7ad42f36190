"""`python -m storage`: look after a store from the command line."""

import os
from calendar import day_name
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values

from storage import schema
from storage.backup import back_up, restore
from storage.cleanup import DAYS, MOST_DAYS, Cleanup
from storage.clock import system_clock
from storage.command_line import OWNER, Bar, Said, check_current, in_words, plain
from storage.database import Database, missing_file
from storage.index import bring_up_to_date
from storage.migrate import migrate, version_of
from storage.place import DATABASE_URL, default_url
from storage.records import Figures, Sender, Spread
from storage.search import Filters, Search
from storage.transfer.commands import export_command, import_command
from storage.usage import Usage
from storage.verify import CHECKS, verify


class _Day(click.DateTime):
    """A day that a computer may have seen."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        day = super().convert(value, param, ctx)
        if not 1970 < day.year < 3000:  # noqa: PLR2004
            self.fail(f"{value} is no day between 1971 and 2999.", param, ctx)
        return day


_DAY = _Day(formats=["%Y-%m-%d"])
MOST_HITS = 10_000


def _address() -> str:
    return os.environ.get(DATABASE_URL) or dotenv_values(".env").get(DATABASE_URL) or default_url()


@click.group(cls=Said, help="Look after Windowseat's database. Exit status: 0 well, 1 something is wrong, 2 usage.")
@click.option("--database", "url", default=_address, show_default=f"{DATABASE_URL}, else the user's data folder")
@click.pass_context
def main(context: click.Context, url: str) -> None:
    if context.invoked_subcommand not in {"upgrade", "restore"} and (file := missing_file(url)) is not None:
        raise click.ClickException(f"There is no database {file}. To make it: python -m storage upgrade")
    context.obj = Database(url)
    context.call_on_close(context.obj.close)


@main.command("verify", help="Check that everything in the database agrees with itself. Changes nothing.")
@click.pass_obj
def verify_command(database: Database) -> None:
    check_current(database)
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
    check_current(database)
    with Bar("Copying") as bar:
        back_up(database, file, bar.show)
    click.echo(f"Backed up to {file} ({file.stat().st_size / 1e6:,.1f} MB).")


@main.command("restore", help="Bring a backup back into a database that holds nothing yet.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def restore_command(database: Database, file: Path) -> None:
    with Bar("Copying") as bar:
        restore(database, file, bar.show)
    migrate(database)
    bring_up_to_date(database)
    click.echo(f"Restored {file} to {database.name}.")


@main.command("upgrade", help="Bring the database to the newest schema; the page does the same when it starts.")
@click.pass_obj
def upgrade_command(database: Database) -> None:
    before = version_of(database)
    migrate(database)
    bring_up_to_date(database)
    if before == schema.VERSION:
        click.echo(f"The database is of schema {before}, the newest.")
    else:
        click.echo(f"The database went from schema {before or 'none'} to {schema.VERSION}.")


@main.command("search", help='Find prompts, replies and titles by words, begin* and "a phrase".')
@click.argument("typed", nargs=-1, required=True)
@OWNER
@click.option("--best", is_flag=True, help="The best of the newest first, and not the newest.")
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, MOST_HITS), help="How many at most.")
@click.option("--session", "session_id", help="Only in this session.")
@click.option("--since", type=_DAY, help="Only from this day on, as 2026-05-31.")
@click.option("--until", type=_DAY, help="Only up to this day.")
@click.option("--model", help="Only turns that this model answered.")
@click.option("--tag", help="Only in sessions with this tag.")
@click.option("--sender", type=click.Choice(["Human", "AI"], case_sensitive=False), help="Only from one of the two.")
@click.pass_obj
def search_command(
    database: Database, /, typed: tuple[str, ...], owner: str, *, best: bool, count: int, **narrowed: Any
) -> None:
    check_current(database)
    found = Search(database).find(owner, " ".join(typed), _filters(**narrowed), best=best, count=count)
    if found.widened:
        click.echo("No whole word fits; these hold words that begin so.")
    for hit in found.hits:
        place = "title" if hit.turn_id is None else f"turn {hit.turn_id}, {hit.sender}"
        where = plain(f"{hit.title} ({hit.session_id}, {place})")
        click.secho(f"{hit.moment.astimezone():%Y-%m-%d %H:%M}  {where}", dim=True)
        said = (click.style(plain(text), bold=is_hit or None) for text, is_hit in hit.snippet.pieces)
        click.echo(f"    {''.join(said)}")
    if not found.hits:
        click.echo("Nothing was found.")
    if found.after is not None:
        click.echo(f"There is more: ask for it with --count {min(2 * count, MOST_HITS)}.")
    if found.ranked is not None:
        click.echo(f"Only the newest {found.ranked:,} that hold it were compared for the best.")


@main.command("stats", help="Say what is stored, and what was used: ever, in a range of days, or in one session.")
@OWNER
@click.option("--days", type=click.IntRange(1, MOST_DAYS), help="The last so many days.")
@click.option("--since", type=_DAY, help="From this day on, as 2026-05-31.")
@click.option("--until", type=_DAY, help="Up to this day.")
@click.option("--session", help="Of this session.")
@click.pass_obj
def stats_command(
    database: Database,
    owner: str,
    days: int | None,
    since: datetime | None,
    until: datetime | None,
    session: str | None,
) -> None:
    check_current(database)
    usage = Usage(database, system_clock)
    if days and since:
        raise click.UsageError("Give --days or --since, not both.")
    last = until.date() if until else None
    first = since.date() if since else days and (last or date.today()) - timedelta(days=days - 1)  # noqa: DTZ011
    totals, used = usage.totals(owner), usage.figures(owner, session, since=first or None, until=last)
    click.echo(f"Stored: {in_words(totals.sessions, 'session', totals.turns, 'turn', totals.messages, 'message')}.")
    click.echo(f"Used from {used.since} to {used.until}{f' in {session}' if session else ''}:")
    for line in _lines(used):
        click.echo(f"    {plain(line)}")


@main.command("cleanup", help="Show the sessions not used for long, and delete them if told so. Pinned ones stay.")
@OWNER
@click.option(
    "--days", default=DAYS, show_default=True, type=click.IntRange(1, MOST_DAYS), help="Not used for so many days."
)
@click.option("--archived", is_flag=True, help="Archived sessions too.")
@click.option("--delete", is_flag=True, help="Delete them for good. Without this nothing is changed.")
@click.pass_obj
def cleanup_command(database: Database, owner: str, *, days: int, archived: bool, delete: bool) -> None:
    check_current(database)
    cleanup = Cleanup(database, system_clock)
    if delete:
        with Bar("Deleting") as bar:
            gone = cleanup.clean_up(owner, days=days, archived_too=archived, progress=bar.show)
        click.echo(f"Deleted: {in_words(gone.sessions, 'session', gone.messages, 'message')}.")
        return
    unused = cleanup.unused(owner, days=days, archived_too=archived)
    for session in unused.longest:
        used = f"{session.last_activity.astimezone():%Y-%m-%d}"
        called, said = plain(session.session_id), in_words(session.message_count, "message")
        click.echo(f"    {used}  {called}  {said}  {plain(session.title)}")
    if unused.sessions > len(unused.longest):
        click.echo(f"    … and {unused.sessions - len(unused.longest):,} more")
    click.echo(
        f"Not used for {in_words(days, 'day')}: {in_words(unused.sessions, 'session', unused.messages, 'message')}. "
        + ("Delete them with: --delete" if unused.sessions else "There is nothing to delete.")
    )


def _filters(*, since: datetime | None, until: datetime | None, sender: str | None, **narrowed: str | None) -> Filters:
    """Days are those of this machine's calendar, the last one included."""
    return Filters(
        since=since and since.astimezone(),
        until=until and (until + timedelta(days=1)).astimezone(),
        sender=Sender(sender) if sender else None,
        **narrowed,
    )


def _lines(used: Figures) -> Iterator[str]:
    tally = used.tally
    yield f"{in_words(tally.sessions, 'session')} begun, {in_words(tally.turns, 'turn', tally.messages, 'message')}"
    yield f"{tally.input_tokens:,} tokens in, {tally.output_tokens:,} tokens out"
    yield f"{tally.stopped:,} stopped, {tally.failed:,} failed, {tally.interrupted:,} interrupted"
    yield f"first text after {_span(used.first_text)}; whole reply after {_span(used.duration)}"
    if any(used.hours):
        most = max(range(len(used.hours)), key=used.hours.__getitem__)
        turns = in_words(used.hours[most], "turn")
        yield f"busiest hour of the week: {day_name[most // 24]} from {most % 24}:00, {turns}"
    for use in used.models:
        speed = f", {use.tally.tokens_per_second:.1f} tokens/s" if use.tally.tokens_per_second else ""
        name = use.model or "unknown model"
        yield f"{name}: {in_words(use.tally.turns, 'turn')}, first text after {_span(use.first_text)}{speed}"


def _span(spread: Spread) -> str:
    if spread.median is None or spread.p95 is None:
        return "–"
    return f"{spread.median.total_seconds():.2f} s (95 % within {spread.p95.total_seconds():.2f} s)"


main.add_command(export_command)
main.add_command(import_command)

if __name__ == "__main__":
    main(prog_name="python -m storage")
