"""`python -m api`: tokens, for who comes to the page and the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from agent import Access, Agent, Settings, WindowseatError


@contextmanager
def _access() -> Iterator[Access]:
    """What goes wrong is one sentence, with exit status 1."""
    try:
        with Agent(Settings.read(cleanup_days=0)) as agent:
            click.echo(f"In {agent.database}:", err=True)
            yield agent.access
    except WindowseatError as error:
        raise click.ClickException(str(error)) from error


@click.group(help="Windowseat over HTTP. Serve it with: uvicorn api:app --port 8000")
def main() -> None:
    pass


@main.group(help="Tokens: who comes with one is its owner. As soon as there is any, everybody needs one.")
def token() -> None:
    pass


@token.command(help="Make a token for an owner and print it, once: nobody can read it again.")
@click.argument("owner")
def create(owner: str) -> None:
    with _access() as access:
        is_first = not access.wants_token
        number, secret = access.create(owner)
    click.echo(f"Token {number} of {owner}. Keep it: it is not shown again.", err=True)
    if is_first:
        click.echo("From now on page and API want a token of everybody, on this machine too.", err=True)
    if is_first and owner != "local":
        click.echo("The sessions made without a token are those of the owner local.", err=True)
    click.echo(secret)


@token.command("list", help="List tokens, without their secrets.")
def list_tokens() -> None:
    with _access() as access:
        found = access.all()
    if not found:
        click.echo("There is no token: only this machine is served, as the owner local.")
    for known in found:
        click.echo(f"{known.id:>4}  {known.owner}  made {_when(known.created_at)}, last used {_when(known.last_used)}")


@token.command(help="Let a token open nothing any more; its number is in the list.")
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
def revoke(number: int) -> None:
    with _access() as access:
        access.revoke(number)
        is_last = not access.wants_token
    click.echo(f"Token {number} opens nothing any more.")
    if is_last:
        click.echo("It was the last: now only this machine is served, as the owner local, without a token.")


def _when(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


if __name__ == "__main__":
    main(prog_name="python -m api")
