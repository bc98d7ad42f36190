"""`python -m storage`: verify, backup, restore, upgrade, from the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from storage import Message, Piece, Sender, Store
from storage.__main__ import main
from storage.backup import back_up
from storage.database import Database
from tests.conftest import MADE, Ledger
from tests.postgres_server import PostgresServer

NOT_MADE = pytest.mark.parametrize("is_new", [True], ids=[""])
ONLY_SQLITE = pytest.mark.parametrize("each_url", ["sqlite"], indirect=True)


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--database", url, *arguments])


@pytest.fixture
def busy(ledger: Ledger) -> Ledger:
    """A store with branches, a fork, system messages, a cleared session, and a reply that runs."""
    old = ledger.turn(prompt="old")
    for number in range(20):
        ledger.turn(prompt=str(number))
    ledger.turn(prompt="new", beside=old.id)
    ledger.store.branches.fork("local", "lisbon", "fork")
    ledger.store.sessions.start("local", "cleared")
    ledger.turn("cleared")
    ledger.store.sessions.clear("local", "cleared")
    ledger.store.turns.append("local", "cleared", [Message(Sender.SYSTEM, "Be kind.")])
    running = ledger.open("fork")
    ledger.store.running.checkpoint(ledger.process, [Piece(running.id, 0, "Take")])
    return ledger


def test_a_store_in_use_is_well(busy: Ledger, each_url: str) -> None:
    result = run(each_url, "verify")
    assert "wrong" not in result.output
    assert result.exit_code == 0
    assert busy.store.verify() == []


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE sessions SET message_count = 7 WHERE session_id = 'lisbon'", "says it has 7 messages; there are 44"),
        ("UPDATE sessions SET turn_count = 7 WHERE session_id = 'lisbon'", "says it has 7 turns; there are 22"),
        ("UPDATE owners SET session_count = 9", "The totals of local say 9 sessions"),
        ("UPDATE sessions SET head_id = 24 WHERE session_id = 'lisbon'", "The head of session “lisbon”"),
        ("UPDATE turns SET depth = 99 WHERE id = 3", "Turn 3 does not follow its parent 2"),
        ("UPDATE turns SET jump_id = 2 WHERE id = 9", "Turn 9 has a wrong way up"),
        ("DELETE FROM messages WHERE turn_id = 5 AND position = 0", "Turn 5 has 1 messages"),
        ("UPDATE turns SET closed_at = NULL WHERE id = 4", "Turn 4 is complete"),
        ("INSERT INTO reply_pieces VALUES (4, 0, 'x')", "Turn 4 has ended, but pieces"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(busy: Ledger, each_url: str, damage: str, sentence: str) -> None:
    with busy.store._database.write() as transaction:  # noqa: SLF001 - nothing public does such damage
        transaction.driver.execute(damage)
    result = run(each_url, "verify")
    assert sentence in result.output
    assert result.exit_code == 1


@ONLY_SQLITE
def test_a_damaged_file_is_named(busy: Ledger, each_url: str) -> None:
    busy.store.close()
    file = Path(each_url.removeprefix("sqlite:///"))
    pages = bytearray(file.read_bytes())
    pages[3 * 4096 : 5 * 4096] = b"\xff" * 8192
    file.write_bytes(pages)
    result = run(each_url, "verify")
    assert result.exit_code == 1
    assert "Traceback" not in result.output


@ONLY_SQLITE
def test_a_backup_taken_while_the_store_is_in_use_is_whole_and_can_be_brought_back(
    busy: Ledger, each_url: str, tmp_path: Path
) -> None:
    backup, elsewhere = tmp_path / "backup.db", f"sqlite:///{tmp_path / 'new' / 'windowseat.db'}"
    assert run(each_url, "backup", str(backup)).exit_code == 0
    busy.turn("lisbon", "after the backup")

    assert run(elsewhere, "restore", str(backup)).exit_code == 0
    assert run(elsewhere, "verify").exit_code == 0
    with Store(elsewhere) as store:
        assert [turn.prompt for turn in store.paths.page("local", "lisbon", 10)] == ["new"]


@ONLY_SQLITE
def test_a_backup_is_done_though_others_write_all_the_while(busy: Ledger, each_url: str, tmp_path: Path) -> None:
    busy.store.turns.append("local", "lisbon", [Message(Sender.HUMAN, "x" * 9000)] * 1000)
    seen: list[int] = []

    def write_meanwhile(done: int, _: int) -> None:
        seen.append(done)
        busy.store.sessions.rename("local", "lisbon", f"renamed {done}")

    database = Database(each_url)
    back_up(database, tmp_path / "my#backup%.db", write_meanwhile)
    database.close()
    assert seen == sorted(seen)
    assert len(seen) > 5
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    assert run(elsewhere, "restore", str(tmp_path / "my#backup%.db")).exit_code == 0
    assert run(elsewhere, "verify").exit_code == 0


@ONLY_SQLITE
def test_neither_backup_nor_restore_overwrites_anything(busy: Ledger, each_url: str, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    run(each_url, "backup", str(backup))
    again = run(each_url, "backup", str(backup))
    assert "is there already" in again.output
    assert again.exit_code == 1
    over = run(each_url, "restore", str(backup))
    assert "a restore overwrites nothing" in over.output
    assert over.exit_code == 1
    assert busy.store.verify() == []


@NOT_MADE
@ONLY_SQLITE
@pytest.mark.parametrize("content", [b"", b"a shopping list" * 1000])
def test_a_file_that_is_no_backup_is_refused(each_url: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    result = run(each_url, "restore", str(tmp_path / "list.txt"))
    assert "is no backup of a Windowseat database" in result.output
    assert result.exit_code == 1


@ONLY_SQLITE
def test_a_backup_into_a_folder_that_is_not_there_leaves_nothing(busy: Ledger, each_url: str, tmp_path: Path) -> None:
    result = run(each_url, "backup", str(tmp_path / "no" / "folder" / "backup.db"))
    assert result.exit_code == 1
    assert "There is no folder" in result.output


def test_postgresqls_own_tools_are_asked_for_where_they_are_missing(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database(like=MADE)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run(url, "backup", str(tmp_path / "backup"))
    assert "needs the program pg_dump, which is not installed" in result.output
    assert result.exit_code == 1


def test_a_postgresql_store_is_backed_up_and_brought_back_by_its_own_tools(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(postgres.tools), prepend=":")
    here, there = postgres.new_database(), postgres.new_database()
    with Store(here) as store:
        store.sessions.start("local", "lisbon")
        Ledger(store).turn(prompt="Hello")
    backup = run(here, "backup", str(tmp_path / "backup"))
    assert backup.exit_code == 0, backup.output
    restored = run(there, "restore", str(tmp_path / "backup"))
    assert restored.exit_code == 0, restored.output
    with Store(there) as store:
        assert Ledger(store).prompts() == ["Hello"]
        assert store.verify() == []


@NOT_MADE
def test_an_upgrade_makes_a_new_database_and_leaves_a_current_one(each_url: str) -> None:
    assert "went from schema none" in run(each_url, "upgrade").output
    assert "the newest" in run(each_url, "upgrade").output


@NOT_MADE
def test_a_database_that_was_never_made_is_not_verified(each_url: str) -> None:
    result = run(each_url, "verify")
    assert "is of schema none" in result.output or "There is no database /" in result.output
    assert result.exit_code == 1


def test_looking_at_a_database_that_is_not_there_makes_none(tmp_path: Path) -> None:
    for command in (["verify"], ["search", "x"], ["stats"], ["cleanup"], ["backup", str(tmp_path / "copy")]):
        result = run(f"sqlite:///{tmp_path}/folder/typo.db", *command)
        assert (
            result.output
            == f"Error: There is no database {tmp_path}/folder/typo.db. To make it: python -m storage upgrade\n"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_address_is_one_sentence() -> None:
    result = run("nonsense", "verify")
    assert result.output.startswith("Error: WINDOWSEAT_DATABASE_URL is not the address")
    assert result.exit_code == 1


def test_search_shows_where_it_is_and_what_narrows_it(busy: Ledger, each_url: str) -> None:
    busy.turn(prompt="Is Porto far?", reply="Porto is near.")
    busy.store.labels.tag("local", "lisbon", "work")
    result = run(each_url, "search", "porto", "--sender", "ai", "--tag", "work", "--session", "lisbon")
    assert "(lisbon, turn " in result.output
    assert "    Porto is near.\n" in result.output
    assert "far?" not in result.output
    assert "Nothing was found." in run(each_url, "search", "porto", "--until", "2020-01-01").output
    assert "Porto is near." in run(each_url, "search", "port", "--best").output
    assert "There is more: ask for it with --count 2." in run(each_url, "search", "porto", "--count", "1").output


def test_search_takes_whatever_is_typed_and_says_what_there_is_not(busy: Ledger, each_url: str) -> None:
    assert busy.prompts()
    assert run(each_url, "search", "('AND").output == "Nothing was found.\n"
    result = run(each_url, "search", "x", "--session", "nowhere")
    assert (result.exit_code, result.output) == (1, "Error: There is no session “nowhere”.\n")
    assert run(each_url, "search", "x", "--since", "yesterday").exit_code == 2


def test_stats_are_those_of_the_store(busy: Ledger, each_url: str) -> None:
    assert busy.prompts()
    output = run(each_url, "stats", "--since", "2026-05-01").output
    assert "Stored: 3 sessions, 24 turns, 48 messages." in output
    assert "2 sessions begun, 23 turns, 46 messages" in output
    assert "echo: 23 turns" in output
    assert (
        "Used from 2026-05-01 to 2026-05-03:\n    0 sessions begun, 0 turns"
        in run(each_url, "stats", "--until", "2026-05-03", "--days", "3").output
    )
    assert "22 turns" in run(each_url, "stats", "--session", "lisbon").output


def test_a_cleanup_deletes_nothing_unless_told_so(busy: Ledger, each_url: str) -> None:
    busy.store.labels.archive("local", "cleared")
    preview = run(each_url, "cleanup", "--days", "1").output
    assert "lisbon  44 messages" in preview
    assert "Not used for 1 day: 2 sessions, 47 messages. Delete them with: --delete" in preview
    assert "3 sessions" in run(each_url, "cleanup", "--days", "1", "--archived").output
    deleted = run(each_url, "cleanup", "--days", "1", "--delete").output
    assert "Deleted: 1 session, 44 messages." in deleted
    assert [session.session_id for session in busy.store.sessions.page("local").sessions] == ["fork"]


def test_words_that_are_missing_or_too_many_are_found_by_verify(busy: Ledger, each_url: str) -> None:
    with busy.store._database.write() as transaction:  # noqa: SLF001
        transaction.driver.execute(
            "INSERT INTO messages (turn_id, position, sender, content, timestamp) "
            "SELECT min(id), 2, 'AI', 'Unseen', 0 FROM turns"
        )
        transaction.driver.execute("UPDATE sessions SET message_count = message_count + 1 WHERE session_id = 'lisbon'")
        transaction.driver.execute("UPDATE owners SET message_count = message_count + 1")
    (sentence,) = busy.store.verify()
    assert sentence.startswith("Message ")
    assert sentence.endswith("can't be found by its words.")
