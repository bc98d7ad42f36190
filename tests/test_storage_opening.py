"""Opening a database: new, old, newer, foreign, damaged, full, read-only, busy; nothing is ever overwritten."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import storage
from agent import Receipt
from storage import (
    Order,
    SessionFilters,
    Store,
    StoreDamaged,
    StoreLocked,
    StoreNotOurs,
    StoreReadOnly,
    StoreUnavailable,
    schema,
    sqlite,
)
from storage.database import Database
from tests.conftest import Ledger


@pytest.fixture
def is_new() -> bool:
    return True


ONLY_SQLITE = pytest.mark.parametrize("each_url", ["sqlite"], indirect=True)
MIGRATIONS = Path(storage.__file__).parent / "migrations"


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def test_a_new_database_is_made_with_its_folder(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/some/folder/chat.db") as store:
        store.sessions.start("local", "lisbon")
    assert (tmp_path / "some/folder/chat.db").exists()


def test_what_was_stored_is_there_when_it_is_opened_again(url: str) -> None:
    with Store(url) as store:
        store.sessions.start("local", "lisbon")
        Ledger(store).turn(prompt="Hello")
    with Store(url) as store:
        assert store.paths.page("local", "lisbon", 10)[0].prompt == "Hello"


def test_a_database_in_memory_serves_many_threads(clock: object) -> None:
    with Store("sqlite://") as store, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: store.sessions.start("local", f"session {name}"), range(50)))
        assert store.usage.totals("local").sessions == 50


def test_many_that_open_a_new_database_at_once_all_get_it(url: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        stores = list(threads.map(lambda _: Store(url), range(8)))
    for store in stores:
        store.sessions.start("local", "lisbon")
        store.close()


def test_processes_that_open_a_new_database_at_once_all_get_it(url: str) -> None:
    code = f"from storage import Store; Store({url!r}).sessions.start('local', 'lisbon')"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4


def test_the_migrations_make_exactly_the_tables_of_the_schema(url: str) -> None:
    Store(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {
            "version_table": schema.VERSION_TABLE,
            "include_name": lambda name, kind, _: kind != "table" or "_words" not in name,
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []
    engine.dispose()


def test_a_store_of_the_first_schema_is_brought_here_with_all_it_holds(each_url: str) -> None:
    database = Database(each_url)
    with database.migration() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, "0001")
    with database.write() as transaction:
        for statement in (
            "INSERT INTO owners VALUES ('local', 1, 1, 2)",
            "INSERT INTO sessions (owner, session_id, title, created_at, last_activity, turn_count, message_count, "
            "head_id) VALUES ('local', 'lisbon', 'Trip to Lisbon', 1, 2, 1, 2, 1)",
            "INSERT INTO turns (session_key, depth, status, model, opened_at, closed_at, receipt) "
            'VALUES (1, 1, \'complete\', \'echo\', 1, 2, \'{"window":10,"first":null,"last":null,"turns":0,'
            '"beyond_window":0,"empty":[],"messages":1}\')',
            "INSERT INTO messages (turn_id, position, sender, content, timestamp) "
            "VALUES (1, 0, 'Human', 'Is it warm?', 1), (1, 1, 'AI', 'Quite warm.', 2)",
            "INSERT INTO usage_days VALUES ('local', 20000, 3, 40, 50)",
            # A turn that a model ran, two seconds long, and the same day's figures with it.
            "INSERT INTO turns (session_key, parent_id, jump_id, depth, status, model, opened_at, first_text_at, "
            "closed_at, process_id, output_tokens) VALUES (1, 1, 1, 2, 'stopped', 'ollama:gemma3', 1728043200000000, "
            "1728043201000000, 1728043202000000, 1, 7)",
            "INSERT INTO messages (turn_id, position, sender, content, timestamp) "
            "VALUES (2, 0, 'Human', 'And now?', 3)",
            "UPDATE sessions SET head_id = 2, turn_count = 2, message_count = 3",
            "UPDATE owners SET turn_count = 2, message_count = 3",
        ):
            transaction.driver.execute(statement)
    database.close()
    with Store(each_url) as store:
        assert [hit.snippet.text for hit in store.search.find("local", "warm").hits] == ["Quite warm.", "Is it warm?"]
        assert store.sessions.page("local", SessionFilters(titled="lisb")).sessions[0].tags == ()
        store.sessions.rename("local", store.sessions.start("local", "amsterdam").session_id, "aMSTERDAM")
        by_title = store.sessions.page("local", order=Order.TITLE).sessions
        assert [session.session_id for session in by_title] == ["amsterdam", "lisbon"]
        store.sessions.delete("local", "amsterdam")
        used = store.usage.figures("local")
        assert (used.since, used.tally.turns, used.tally.input_tokens) == (date(2024, 10, 4), 3, 40)
        assert [(use.model, use.tally.turns, use.tally.stopped) for use in used.models] == [
            ("", 2, 0),
            ("ollama:gemma3", 1, 1),
        ]
        assert store.usage.figures("local", "lisbon").tally.prompt_characters == len("And now?")
        assert used.duration.count == sum(used.hours) == 1
        assert [turn.turn.prompt for turn in store.paths.recent("local", 5)] == ["And now?", "Is it warm?"]
        assert store.usage.figures("local", since=date(2024, 10, 1), until=date(2024, 10, 31)).tally.turns == 3
        receipt = Receipt.from_json(store.paths.page("local", "lisbon", 2)[0].receipt)
        assert receipt == Receipt.plain(10, None, None)
        assert store.verify() == []
        Ledger(store).turn()


def test_the_schema_knows_its_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == schema.VERSION


def test_the_documented_look_into_the_database_works_as_written(url: str) -> None:
    with Store(url) as store:
        store.sessions.start("local", "your-session-id")
        ledger = Ledger(store)
        ledger.turn("your-session-id", "Hello")
        ledger.turn("your-session-id", "Hello again")
    connection = sqlite3.connect(file_of(url))
    sessions = connection.execute("SELECT * FROM chat_sessions ORDER BY last_activity DESC;")
    assert [column[0] for column in sessions.description] == [
        "session_id",
        "chat_name",
        "created_at",
        "last_activity",
        "message_count",
    ]
    ((session_id, name, *_, count),) = sessions.fetchall()
    assert (session_id, name, count) == ("your-session-id", "Hello", 4)
    counted = connection.execute("SELECT COUNT(*) FROM chat_messages WHERE session_id = 'your-session-id';")
    assert counted.fetchone() == (4,)
    messages = connection.execute("SELECT * FROM chat_messages ORDER BY id")
    assert [column[0] for column in messages.description] == ["id", "session_id", "sender", "content", "timestamp"]
    assert [row[2:4] for row in messages] == [("Human", "Hello"), ("AI", "Hi"), ("Human", "Hello again"), ("AI", "Hi")]
    connection.close()


def test_a_database_of_a_newer_version_is_left_as_it_is(url: str) -> None:
    Store(url).close()
    connection = sqlite3.connect(file_of(url))
    connection.execute("UPDATE windowseat_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreNotOurs, match=r"newer Windowseat \(schema 9999\)"):
        Store(url)


def test_a_database_of_another_program_is_left_as_it_is(url: str) -> None:
    connection = sqlite3.connect(file_of(url))
    connection.execute("CREATE TABLE messages (id INTEGER)")
    connection.close()
    with pytest.raises(StoreNotOurs, match="another program: it has a table “messages”"):
        Store(url)
    connection = sqlite3.connect(file_of(url))
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("messages",)]
    connection.close()


def test_a_file_that_is_no_database_is_left_as_it_is(url: str) -> None:
    file_of(url).write_text("This is a shopping list. " * 100)
    with pytest.raises(StoreDamaged, match="damaged or is no database"):
        Store(url)
    assert file_of(url).read_text() == "This is a shopping list. " * 100


@pytest.mark.parametrize("address", ["nonsense", "mysql://here/there", "postgres:://x", ""])
def test_an_address_that_is_none_is_said_to_be_none(address: str) -> None:
    with pytest.raises(StoreUnavailable, match="WINDOWSEAT_DATABASE_URL is not the address of an SQLite or Postgre"):
        Store(address)


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="can't be opened"):
        Store(f"sqlite:///{tmp_path}/file/chat.db")


@ONLY_SQLITE
def test_a_read_only_database_can_be_read_and_says_why_it_takes_no_more(ledger: Ledger, url: str) -> None:
    ledger.turn(prompt="Hello")
    with Store(f"sqlite:///file:{file_of(url)}?mode=ro&uri=true") as store:
        assert store.paths.page("local", "lisbon", 10)[0].prompt == "Hello"
        with pytest.raises(StoreReadOnly, match="is read-only, so nothing can be kept"):
            store.sessions.start("local", "porto")


@ONLY_SQLITE
def test_a_database_locked_by_another_program_is_waited_for_and_then_named(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOCK_PATIENCE", 0.2)
    other = sqlite3.connect(file_of(url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLocked, match=r"kept locked .* by another program"):
        ledger.turn()
    other.execute("ROLLBACK")
    other.close()
    ledger.turn()
    assert ledger.prompts() == ["Hello"]


FILL_THE_DISK = """
import resource, signal, sys
from storage import Message, Sender, Store, StoreFull
from storage.database import Database
from tests.conftest import Ledger

store = Store(sys.argv[1])
ledger = Ledger(store)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
kept = 0
try:
    while True:
        ledger.turn(prompt=f"{kept} " + "x" * 5000)
        kept += 1
except StoreFull as error:
    print(kept, error)
"""


def test_a_full_disk_is_one_sentence_and_everything_before_is_intact(url: str) -> None:
    with Store(url) as store:
        store.sessions.start("local", "lisbon")
    run = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, url, "2500000"], capture_output=True, text=True, check=True
    )
    kept, sentence = run.stdout.split(" ", 1)
    assert int(kept) > 10
    assert "disk" in sentence
    with Store(url) as store:
        ledger = Ledger(store)
        whole = [prompt for prompt in ledger.prompts() if prompt.endswith("x")]
        assert len(whole) - int(kept) in {0, 1}
        store.running.sweep()
    connection = sqlite3.connect(file_of(url))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
