"""`python -m storage export` and `import`."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from storage.command_line import OWNER, Bar, check_current, in_bytes, in_words, plain
from storage.database import Database
from storage.transfer.forms import Form, as_file, ending_of
from storage.transfer.giving import count, give
from storage.transfer.meter import Meter
from storage.transfer.reading import kind_of, read
from storage.transfer.report import Counting, Report
from storage.transfer.saving import check_name, form_in, form_of, save
from storage.transfer.taken import Fate, Stopped
from storage.transfer.taking import take
from storage.transfer.talk import Talk

NAMED = 20
"""How many sessions, and how many broken conversations, are named."""


@click.command("export", help="Write sessions into a file: those that are named, or --all.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("sessions", nargs=-1)
@OWNER
@click.option("--all", "every", is_flag=True, help="All sessions.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option(
    "--form",
    type=click.Choice([form.value for form in Form]),
    help="JSON has everything. Without this the name of the file says which.",
)
@click.pass_obj
def export_command(
    database: Database,
    /,
    file: Path,
    sessions: tuple[str, ...],
    owner: str,
    form: str | None,
    *,
    every: bool,
    force: bool,
) -> None:
    check_current(database)
    if every == bool(sessions):
        raise click.UsageError("Name the sessions, or say --all.")
    if file.is_file() and not force:
        raise click.ClickException(f"There is a file {file} already: choose another name, or say --force.")
    wanted, many = form_of(form) if form else form_in(file), len(set(sessions)) != 1
    check_name(file, f"x.{ending_of(wanted, many=many)}")
    total = len(set(sessions)) or count(database, owner)
    if not total:
        raise click.ClickException(f"{owner} has no session.")
    with Bar("Writing") as bar:
        save(as_file(_shown(bar, give(database, owner, sessions or None), total), wanted, many=many), file)
    click.echo(f"Wrote {in_words(total, 'session')} to {file} ({in_bytes(file.stat().st_size)}).", err=True)


def _shown(bar: Bar, talks: Iterator[Talk], total: int) -> Iterator[Talk]:
    for done, talk in enumerate(talks, start=1):
        yield talk
        bar.show(done, max(total, done))


@click.command(
    "import",
    short_help="Take in what Windowseat or another program exported.",
    help="Take conversations in: of Windowseat, ChatGPT, Claude or Open WebUI (JSON, or the zip as it was sent), or of "
    "LangChain's table in the database at an address such as sqlite:///history.db. What is there already is left as it "
    "is.",
)
@click.argument("source")
@OWNER
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
@click.option("--table", help="LangChain's table, where it is not message_store.")
@click.pass_obj
def import_command(database: Database, source: str, owner: str, *, dry_run: bool, table: str | None) -> None:
    check_current(database)
    kind, meter, tally = kind_of(source, table=table), Meter(), Counting()
    cancelled = False
    try:
        with Bar("Reading") as bar, _interrupted() as stopped:
            talks = read(source, table=table, meter=meter)
            for found in take(database, owner, talks, dry=dry_run, stopped=stopped):
                tally.add(found)
                bar.show(min(meter.done, meter.total), max(1, meter.total))
    except Stopped:
        cancelled = True
    finally:  # Also where it breaks off: what came in until then is there.
        report = tally.report(kind, dry_run=dry_run, cancelled=cancelled)
        _tell(report)
    if cancelled:
        raise SystemExit(130)
    if report.broken_count or report.busy_count:
        raise SystemExit(1)


@contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
    """Says whether somebody pressed Ctrl-C. An exception might come after something was stored, and before it counts.

    Who presses it again does not want to wait for that.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def stop(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(report: Report) -> None:
    for taken in report.sessions[:NAMED]:
        plus = "+" if taken.fate is Fate.GROWN else " "
        called, said = plain(taken.session_id), in_words(taken.messages, "message")
        click.echo(f"  {plus} {called}  {said}  {plain(taken.title)}")
    if (more := report.new + report.grown - NAMED) > 0:
        click.echo(f"    … and {more:,} more")
    for name in report.busy[:NAMED]:
        click.echo(f"  ! {plain(name)}: a reply runs in it: take it in again afterwards")
    for broken in report.broken[:NAMED]:
        click.echo(plain(f"  ! {broken.name}: {broken.reason}"))
    if (more := report.broken_count - NAMED) > 0:
        click.echo(f"    … and {more:,} more that are broken")
    click.echo(str(report))
