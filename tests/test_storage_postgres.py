"""PostgreSQL's own ways to fail, and to come back."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent import Agent, Status
from storage import Message, Outcome, Sender, Store, StoreError, StoreReadOnly, StoreUnavailable
from storage.database import Database
from storage.turns import close_running
from tests.conftest import Ledger
from tests.postgres_server import PostgresServer

Make = Callable[..., Agent]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with PostgresServer(tmp_path / "postgres") as server:
        yield server


def test_a_turn_outlives_a_server_that_goes_away_and_comes_back(own_server: PostgresServer) -> None:
    url = own_server.new_database()
    with Store(url) as store:
        store.sessions.start("local", "lisbon")
        ledger = Ledger(store)
        opened = ledger.open(prompt="Hello")

        own_server.stop()
        with pytest.raises(StoreUnavailable, match="can't be reached") as gone:
            store.paths.page("local", "lisbon", 1)
        assert "\n" not in str(gone.value)
        with pytest.raises(StoreUnavailable):
            store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Hi"),)))

        own_server.start()
        store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Hi"),)))
        assert [turn.reply for turn in store.paths.page("local", "lisbon", 9)] == ["Hi"]
        assert store.verify() == []


def test_a_reply_that_ends_while_the_server_is_away_is_stored_when_it_is_back(
    own_server: PostgresServer, make_agent: Make
) -> None:
    chat = make_agent(database_url=own_server.new_database(), echo_words_per_second=8).conversation("lisbon")
    reply = chat.start("word " * 4)
    own_server.stop()
    assert not reply.wait_for_end(2.5)
    assert reply.trouble is not None
    assert "can't be reached" in reply.trouble
    own_server.start()
    assert reply.finish().text.endswith("I remember 1 messages.")
    assert chat.turns(1)[0].reply == reply.text


def test_a_connection_that_was_cut_is_replaced(postgres: PostgresServer) -> None:
    with Store(postgres.new_database()) as store:
        store.sessions.start("local", "lisbon")
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'windowseat'")
        assert store.sessions.get("local", "lisbon").session_id == "lisbon"


def test_a_read_only_server_is_said_to_be_read_only(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    Store(url).close()
    name = url.split("?")[0].rsplit("/", 1)[1]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with Store(url) as store, pytest.raises(StoreReadOnly, match="is read-only, so nothing can be kept"):
        store.sessions.start("local", "lisbon")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("/test", "/nowhere"), "does not exist on its server"),
        (("postgres:@", "nobody:secret@"), "does not let us in"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_the_password(
    postgres: PostgresServer, change: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(StoreError, match=sentence) as error:
        Store(postgres.new_database().replace(*change))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["password", "sslpassword"])
def test_a_password_in_the_query_of_an_address_is_in_no_sentence(name: str) -> None:
    with pytest.raises(StoreError, match=f"{name}=…") as error:
        Store(f"postgresql+psycopg://me@127.0.0.1:9/hf-windowseat?{name}=hunter2%20secret")
    assert "hunter2" not in str(error.value)
    assert "hf-windowseat" in str(error.value)


def test_no_password_stands_on_the_command_line_of_other_programs() -> None:
    database = Database("postgresql+psycopg://me:other@127.0.0.1:9/windowseat?password=hunter2&sslmode=require")
    address, password = database.address_for_tools
    assert (address, password) == ("postgresql://me@127.0.0.1:9/windowseat?sslmode=require", "hunter2")
    keyed = Database("postgresql+psycopg://me@127.0.0.1:9/windowseat?sslpassword=hunter2")
    with pytest.raises(StoreUnavailable, match="sslpassword"):
        _ = keyed.address_for_tools


def test_a_prompt_is_not_put_to_wait_for_a_turn_that_is_just_being_closed(postgres: PostgresServer) -> None:
    with Store(postgres.new_database()) as store, ThreadPoolExecutor(1) as threads:
        store.sessions.start("local", "lisbon")
        opened = Ledger(store).open()
        with store._database.write() as closing:  # noqa: SLF001 - held, so that the other one comes in between
            outcome = Outcome(Status.COMPLETE, (Message.reply("So"),))
            assert close_running(closing, "local", opened.session_key, opened.id, outcome, datetime.now(UTC))
            put = threads.submit(store.waiting.put, "local", "lisbon", Message.prompt("And then?"), {})
            time.sleep(0.3)
            assert not put.done()
        assert put.result(10) is None
        assert store.waiting.all("local", "lisbon") == ()


def test_a_server_that_is_not_there_is_said_not_to_be_reached() -> None:
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        Store("postgresql+psycopg://me@127.0.0.1:9/windowseat")
