"""Databases: the tables in which LangChain keeps messages, read session by session, and never written to."""

import json
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage, message_to_dict

from storage import Sender, Store
from storage.errors import TransferRefused
from storage.transfer import Broken, Kind, Meter, Talk, kind_of, read
from storage.transfer.databases import connected
from tests import foreign_exports as foreign
from tests.postgres_server import PostgresServer

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PLAIN = "CREATE TABLE {} (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"
CALL = AIMessage("", tool_calls=[{"name": "weather", "args": {"in": "Lisbon"}, "id": "1"}])
LISBON = [
    SystemMessage("Be kind"),
    HumanMessage("Hello"),
    CALL,
    ToolMessage("Sunny", tool_call_id="1"),
    SystemMessage("Be brief"),
    AIMessage("Sunny.", response_metadata={"model_name": "llama3"}),
    HumanMessage("And now?"),
    SystemMessage("Go on"),
]


@pytest.fixture
def is_new() -> bool:
    """A database with tables of ours is not one of LangChain's."""
    return True


def written(message: BaseMessage) -> str:
    return json.dumps(message_to_dict(message))


@contextmanager
def changed(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


def filled(url: str, rows: Sequence[tuple[str | None, Any]], table: str = "message_store") -> str:
    add = sa.text(f"INSERT INTO {table} (session_id, message) VALUES (:name, :message)")  # noqa: S608 - the test's own
    with changed(url) as connection:
        connection.exec_driver_sql(PLAIN.replace("INTEGER PRIMARY KEY", "SERIAL PRIMARY KEY").format(table))
        connection.execute(add, [{"name": name, "message": message} for name, message in rows])
    return url


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    rows: list[tuple[str | None, Any]] = [("lisbon", written(message)) for message in LISBON]
    rows.insert(3, ("broken", '{"type": "human"}'))
    rows += [("other", written(AIMessage("Hi\0"))), (None, written(HumanMessage("Whose?")))]
    with changed(f"sqlite:///{path}") as connection:
        connection.exec_driver_sql(PLAIN.format("message_store"))
        for row in rows:
            connection.exec_driver_sql("INSERT INTO message_store (session_id, message) VALUES (?, ?)", row)
    return path


def refused(source: Path | str, **how: Any) -> str:
    with pytest.raises(TransferRefused) as caught:
        list(read(source, **how))
    with pytest.raises(TransferRefused, match=r"."):
        kind_of(source, **how)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sessions_of_langchains_table_are_read_in_the_order_of_their_names(history: Path) -> None:
    nobodys, broken, lisbon, other = read(f"sqlite:///{history}", at=NOW)
    assert broken == Broken("“broken”", "Its message 4 is none of LangChain's.")
    assert isinstance(nobodys, Talk)
    assert isinstance(lisbon, Talk)
    assert isinstance(other, Talk)
    assert (lisbon.source, lisbon.session_id, lisbon.head) == ("langchain:lisbon", "langchain-lisbon", 1)
    assert [[message.sender for message in turn.messages] for turn in lisbon.turns] == [
        [Sender.HUMAN, Sender.AI, Sender.TOOL, Sender.AI],
        [Sender.HUMAN],
    ]
    assert (lisbon.turns[0].model, lisbon.turns[1].parent, lisbon.created_at) == ("llama3", 0, NOW)
    assert [message.content for turn in other.turns for message in turn.messages] == ["Hi"]
    assert nobodys.source == "langchain:"


def test_a_system_message_knows_how_many_turns_were_made_before_it(history: Path) -> None:
    _, _, lisbon, _ = read(history)
    assert isinstance(lisbon, Talk)
    assert [(before, message.content) for before, message in lisbon.told] == [
        (0, "Be kind"),
        (1, "Be brief"),
        (2, "Go on"),
    ]


def test_an_sqlite_file_is_the_database_that_it_is(history: Path) -> None:
    for source in (history, str(history), f"sqlite:///{history}", f"sqlite:///file:{history}?uri=true"):
        assert kind_of(source) is Kind.LANGCHAIN
        assert len(list(read(source))) == 4
    for driver in ("sqlite+pysqlite", "sqlite+aiosqlite"):
        assert len(list(read(f"{driver}:///{history}"))) == 4


def test_without_a_moment_for_its_messages_it_is_now(history: Path) -> None:
    before = datetime.now(UTC)
    talk = next(iter(read(history)))
    assert isinstance(talk, Talk)
    assert before <= talk.created_at <= datetime.now(UTC)


def test_how_far_it_has_come_is_counted_in_rows(history: Path) -> None:
    meter = Meter()
    seen = [meter.done for _ in read(history, meter=meter)]
    assert (meter.done, meter.total) == (11, 11)
    assert seen == sorted(seen)


def test_the_table_may_have_another_name(each_url: str) -> None:
    odd = 'chat "history"; DROP TABLE x'
    quoted = '"chat ""history""; DROP TABLE x"'
    filled(each_url, [("a", written(HumanMessage("One")))], quoted)
    (talk,) = read(each_url, table=odd)
    assert isinstance(talk, Talk)
    assert f"no table “message_store” of LangChain's; “{odd}” may be: name it." in refused(each_url)
    assert "no table “chat” of LangChain's" in refused(each_url, table="chat")


def test_the_table_of_langchain_postgres_has_dates_and_names_that_are_uuids(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    name = UUID(int=7)
    with changed(url) as connection:
        connection.exec_driver_sql("CREATE SCHEMA chats")
        connection.exec_driver_sql(
            "CREATE TABLE chats.history (id SERIAL PRIMARY KEY, session_id UUID NOT NULL, message JSONB NOT NULL, "
            "created_at TIMESTAMPTZ NOT NULL DEFAULT NOW())"
        )
        for number, message in enumerate(LISBON):
            connection.exec_driver_sql(
                "INSERT INTO chats.history (session_id, message, created_at) VALUES (%s, %s, %s)",
                (name, written(message), NOW + timedelta(hours=number)),
            )
    (talk,) = read(url, table="chats.history")
    assert isinstance(talk, Talk)
    assert (talk.source, talk.created_at, talk.last_activity) == (f"langchain:{name}", NOW, NOW + timedelta(hours=7))
    assert [turn.opened_at - NOW for turn in talk.turns] == [timedelta(hours=1), timedelta(hours=6)]
    assert talk.turns[0].closed_at == NOW + timedelta(hours=5)


def test_messages_whose_ids_are_no_numbers_are_in_the_order_of_their_dates(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}"
    with changed(url) as connection:
        connection.exec_driver_sql(
            "CREATE TABLE message_store (id CHAR(36) PRIMARY KEY, session_id TEXT, message JSON, created_at TIMESTAMP)"
        )
        for key, at, text in [("c", "2026-05-01 10:00:00", "One"), ("a", "2026-05-01 10:00:01", "Two"), ("b", "?", "")]:
            row = (key, written(HumanMessage(text)), at)
            connection.exec_driver_sql("INSERT INTO message_store VALUES (?, 'x', ?, ?)", row)
    (talk,) = read(url, at=NOW)
    assert isinstance(talk, Talk)
    assert [(turn.messages[0].content, turn.opened_at) for turn in talk.turns] == [
        ("One", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("Two", datetime(2026, 5, 1, 10, 0, 1, tzinfo=UTC)),
        ("", NOW),
    ]


@pytest.mark.parametrize("message", [None, "", "x", "[]", "7", '{"type": "robot", "data": {}}', b"\xff", "[" * 9_000])
def test_what_is_no_message_breaks_its_session_and_no_other(tmp_path: Path, message: Any) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}"
    with changed(url) as connection:
        connection.exec_driver_sql("CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id, message)")
        for row in (("a", message), ("a", written(HumanMessage("One"))), ("b", written(HumanMessage("Two")))):
            connection.exec_driver_sql("INSERT INTO message_store (session_id, message) VALUES (?, ?)", row)
    broken, talk = read(url)
    assert broken == Broken("“a”", "Its message 1 is none of LangChain's.")
    assert isinstance(talk, Talk)


def test_a_text_in_another_encoding_shows_and_a_view_is_no_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}"
    with changed(url) as connection:
        connection.exec_driver_sql(PLAIN.format("plain"))
        said = written(HumanMessage("Ol*")).encode().replace(b"*", b"\xe1")
        connection.exec_driver_sql("INSERT INTO plain VALUES (1, 'a', CAST(? AS TEXT))", (said,))
        connection.exec_driver_sql("CREATE VIEW message_store AS SELECT * FROM plain")
    (talk,) = read(url, table="plain")
    assert isinstance(talk, Talk)
    assert talk.turns[0].messages[0].content == "Ol\N{REPLACEMENT CHARACTER}"
    assert "no table “message_store” of LangChain's; “plain” may be: name it." in refused(url)
    assert "no table “main.x” of LangChain's" in refused(url, table="main.x")
    assert "no table “nowhere.x” of LangChain's" in refused(url, table="nowhere.x")


def test_a_session_that_is_too_long_breaks_and_no_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}"
    long = written(HumanMessage("x" * (13 << 20)))
    broken, talk = read(filled(url, [*[("a", long)] * 5, ("b", written(HumanMessage("One")))]))
    assert broken == Broken("“a”", "It is longer than 64 MiB.")
    assert isinstance(talk, Talk)


def test_nothing_is_written_to_the_database(history: Path, postgres: PostgresServer) -> None:
    url = filled(postgres.new_database(), [("a", written(HumanMessage("One")))])
    history.chmod(stat.S_IRUSR)
    before = history.read_bytes()
    assert len(list(read(history))) == 4
    assert [one.name for one in history.parent.iterdir()] == ["history.db"]
    assert history.read_bytes() == before
    for address in (f"sqlite:///{history}", url):
        with pytest.raises(TransferRefused), connected(address) as connection:
            connection.exec_driver_sql("DELETE FROM message_store")
    assert len(list(read(url))) == 1


def test_a_database_of_our_own_is_to_be_exported_first(each_url: str) -> None:
    Store(each_url).close()
    assert "export its sessions with “python -m storage export”" in refused(each_url)
    filled(each_url, [("a", written(HumanMessage("One")))])
    assert len(list(read(each_url))) == 1


def test_a_database_without_the_table_is_refused_and_none_is_made(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    text = foreign.written(tmp_path, b"no database at all" * 100, "text.db")
    for url in (
        f"sqlite:///{tmp_path / 'none.db'}",
        f"sqlite:///{empty}",
        f"sqlite:///{text}",
        "sqlite://",
        "sqlite:///",
    ):
        assert "database" in refused(url)
    assert not (tmp_path / "none.db").exists()
    damaged = foreign.written(tmp_path, b"SQLite format 3\0" + bytes(5_000))
    assert "can't be read" in refused(damaged)


def test_an_address_that_leads_nowhere_is_refused_without_its_password() -> None:
    for url in (
        "postgresql+psycopg://me:hidden@127.0.0.1:1/none",
        "postgres://me:hidden@127.0.0.1:1/none",
        "postgresql+psycopg2://me:hidden@127.0.0.1:1/none?sslmode=odd",
        "postgresql://127.0.0.1:1/none?password=hidden",
        "postgresql://me:hid:den@[127/none",
        "https://me:hidden@example.org/export.json",
        "mysql+pymysql://me:hidden@127.0.0.1:1/none",
        "oracle://me:hidden@127.0.0.1:1/none",
        "://hidden",
    ):
        assert "hid" not in refused(url)
    assert "“https” is no kind of database" in refused("https://example.org/export.json")


def test_any_spelling_of_postgresqls_address_is_read(postgres: PostgresServer) -> None:
    url = filled(postgres.new_database(), [("a", written(HumanMessage("One")))])
    for kind in ("postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg"):
        assert len(list(read(url.replace("postgresql+psycopg", kind)))) == 1


def test_messages_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}"
    with changed(url) as connection:
        connection.exec_driver_sql(PLAIN.format("message_store"))
        one = written(HumanMessage("x"))
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
            "INSERT INTO message_store (session_id, message) SELECT i / 2, ? FROM n",
            (one,),
        )
    meter = Meter()
    assert all(meter.done < 3 * number + 3 for number, _ in enumerate(read(url, meter=meter)))
    assert meter.done == meter.total == 10_000
