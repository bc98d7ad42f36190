"""The tables in which LangChain's chat histories keep messages, in any database that SQLAlchemy reaches.

They keep no titles, and their sessions are one row without branches. That of `SQLChatMessageHistory` keeps no dates
either: all of such a session is of the moment that the caller names. That of langchain-postgres has `created_at`.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa

from storage.langchain import stored_from
from storage.records import Message, Sender
from storage.transfer.coherence import check_names
from storage.transfer.cutting import FOREIGN
from storage.transfer.databases import connected
from storage.transfer.dates import is_possible, moment
from storage.transfer.meter import Meter
from storage.transfer.outline import session_id, source_of
from storage.transfer.tables import order_of, table_in
from storage.transfer.talk import Broken, Talk, TalkMessage, TalkTurn
from storage.transfer.texts import Unreadable, clean, clean_json, count_of, table

_AT_A_TIME = 500


class _Dated(NamedTuple):
    """A message, and when it was added."""

    message: Message
    at: datetime


def read_table(
    address: str, at: datetime, *, called: str | None = None, meter: Meter | None = None
) -> Iterator[Talk | Broken]:
    """The table's sessions in the order of their names, read while they are asked for.

    `at` is the moment of messages without a date. Raises TransferRefused where there is no such table or no such
    database, and where the connection breaks.
    """
    meter = meter or Meter()
    with connected(address) as connection:
        found = table_in(connection, called)
        meter.total = connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()
        wanted = sa.select(found).order_by(*order_of(found))
        rows = connection.execution_options(stream_results=True, max_row_buffer=_AT_A_TIME).execute(wanted)
        for name, group in groupby(_counted(rows.mappings(), meter), key=lambda row: row["session_id"]):
            yield _session("" if name is None else clean(str(name)), group, at)
    meter.done = meter.total


def check_table(address: str, called: str | None = None) -> None:
    """Raises TransferRefused where `read_table` would."""
    with connected(address) as connection:
        table_in(connection, called)


def _counted(rows: Iterable[sa.RowMapping], meter: Meter) -> Iterator[sa.RowMapping]:
    for row in rows:
        yield row
        meter.done += 1


def _session(name: str, rows: Iterator[sa.RowMapping], at: datetime) -> Talk | Broken:
    try:
        return _talk(name, _messages(rows, at))
    except Unreadable as error:
        return Broken(f"“{name}”", str(error))


def _messages(rows: Iterator[sa.RowMapping], at: datetime) -> list[_Dated]:
    found: list[_Dated] = []
    length = 0
    for row in rows:
        try:
            written = row["message"] if isinstance(row["message"], str | bytes) else json.dumps(row["message"])
            length += len(written)
            if length > FOREIGN.length:
                raise Unreadable(f"It is longer than {FOREIGN.length >> 20} MiB.")
            message = stored_from(clean_json(json.loads(written)))
        except (ValueError, TypeError, RecursionError) as error:
            raise Unreadable(f"Its message {row['id']} is none of LangChain's.") from error
        found.append(_Dated(message, _when(row.get("created_at")) or at))
    return found


def _when(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return moment(value)
    found = value if value.tzinfo else value.replace(tzinfo=UTC)
    return found.astimezone(UTC) if is_possible(found) else None


def _talk(name: str, messages: list[_Dated]) -> Talk:
    turns: list[list[_Dated]] = []
    told: list[tuple[int, TalkMessage]] = []
    for one in messages:
        if one.message.sender is Sender.SYSTEM:
            told.append((len(turns), _said(one)))
        elif one.message.sender is Sender.HUMAN or not turns:
            turns.append([one])
        else:
            turns[-1].append(one)
    talk = Talk(
        source=source_of("langchain", name),
        session_id=session_id("langchain", name),
        title="",
        created_at=min(one.at for one in messages),
        last_activity=max(one.at for one in messages),
        turns=tuple(_turn(place, group) for place, group in enumerate(turns)),
        dated=False,
        head=len(turns) - 1 if turns else None,
        told=tuple(told),
    )
    check_names(talk)
    return talk


def _turn(place: int, messages: list[_Dated]) -> TalkTurn:
    last = next((one.message for one in reversed(messages) if one.message.sender is Sender.AI), None)
    data = table(table(last.full).get("data")) if last else {}
    about, usage = table(data.get("response_metadata")), table(data.get("usage_metadata"))
    return TalkTurn(
        parent=place - 1 if place else None,
        messages=tuple(map(_said, messages)),
        opened_at=messages[0].at,
        closed_at=max(one.at for one in messages),
        model=clean(about.get("model_name")) or clean(about.get("model")),
        input_tokens=count_of(usage.get("input_tokens")),
        output_tokens=count_of(usage.get("output_tokens")),
    )


def _said(one: _Dated) -> TalkMessage:
    return TalkMessage(one.message.sender, one.message.content, one.at, one.message.full)
