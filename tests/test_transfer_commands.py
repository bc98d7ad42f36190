"""Taking along from the command line: `python -m storage export` and `import`."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent import Agent, Settings
from storage.__main__ import main
from storage.transfer import Form, Talk, as_file
from tests.sample_talks import USED, talk, turn

LINUX = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits are set as Linux sets them")


def run(url: str, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["--database", url, *map(str, arguments)])


def ended(prompt: str, reply: str, **more: Any) -> Talk:
    """A session that can be taken in, with one turn."""
    said = talk(replace(turn(prompt, reply), closed_at=USED))
    return replace(said, **more)


@pytest.fixture
def place(agent: Agent, url: str) -> str:
    """The address of a database with nothing in it."""
    assert agent.sessions().sessions == ()
    return url


def file_of(folder: Path, *talks: Talk) -> Path:
    path = folder / "given.json"
    path.write_bytes(b"".join(as_file(talks, Form.JSON, many=True)))
    return path


def test_what_is_exported_is_imported_once(
    agent: Agent, make_agent: Callable[..., Agent], url: str, tmp_path: Path
) -> None:
    agent.conversation("lisbon").send("I go to Lisbon in May.")
    agent.conversation("porto").send("And Porto?")
    file, other = tmp_path / "all.json", f"sqlite:///{tmp_path / 'other.db'}"
    make_agent(database_url=other)
    assert run(url, "export", file, "--all").exit_code == 0
    assert "2 new sessions would come in." in run(other, "import", file, "--dry-run").output
    assert "2 new sessions came in." in run(other, "import", file).output
    assert "2 sessions were here already." in run(other, "import", file).output


def test_a_file_that_is_there_is_left_as_it_is_unless_one_says_so(agent: Agent, url: str, tmp_path: Path) -> None:
    agent.conversation("lisbon").send("I go to Lisbon in May.")
    file = tmp_path / "lisbon.html"
    file.write_text("mine")
    assert "--force" in run(url, "export", file, "lisbon").output
    assert file.read_text() == "mine"
    assert run(url, "export", file, "lisbon", "--force").exit_code == 0
    assert "I go to Lisbon in May." in file.read_text()


def test_what_is_not_there_is_said_in_a_sentence(place: str, tmp_path: Path) -> None:
    for arguments in (("export", tmp_path / "a.json", "none"), ("import", tmp_path / "none.json")):
        result = run(place, *arguments)
        assert (result.exit_code, "There is no" in result.output) == (1, True)
    assert not (tmp_path / "a.json").exists()


def test_nothing_in_a_file_has_the_terminal_do_anything(place: str, tmp_path: Path) -> None:
    evil = "\x1b]0;mine\x07\x9b2J\r\nFAKE"
    good = ended("Hello", "\x1b[2J Hi", session_id=f"a{evil}", title=f"b{evil}")
    broken = replace(good, session_id=f"c{evil}", turns=(turn("Never ended", "x"),))
    results = [
        run(place, "import", file_of(tmp_path, good, broken)),
        run(place, "search", "Hi"),
        run(place, "cleanup", "--days", "1"),
        run(place, "export", tmp_path / "a.json", f"d{evil}"),
    ]
    for result in results:
        assert "FAKE" in result.output
        assert not any(sign in result.output for sign in "\x1b\x07\x9b\r")
        assert not any(line.startswith("FAKE") for line in result.output.splitlines())


def test_on_a_new_machine_one_is_told_how_the_database_is_made(tmp_path: Path) -> None:
    file, target = file_of(tmp_path, ended("Hello", "Yes.")), f"sqlite:///{tmp_path}/new/chat.db"
    assert "To make it: python -m storage upgrade" in run(target, "import", file).output
    assert not (tmp_path / "new").exists()
    assert run(target, "upgrade").exit_code == 0
    assert "1 new session came in." in run(target, "import", file).output


def test_a_script_notices_that_something_could_not_be_read(place: str, tmp_path: Path) -> None:
    file = file_of(tmp_path, ended("Hello", "Yes."), ended("And", "Yes.", session_id="other"))
    file.write_bytes(file.read_bytes()[:-40])
    done = run(place, "import", file)
    assert (done.exit_code, "1 new session came in." in done.output) == (1, True)


def test_of_an_import_that_is_interrupted_all_that_came_in_is_counted(place: str, tmp_path: Path) -> None:
    file = file_of(tmp_path, *(ended("Hello", "Yes.", session_id=f"s{number}") for number in range(20_000)))
    command = [sys.executable, "-m", "storage", "--database", place, "import", str(file)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as importing,
        Agent(Settings.read(_env_file=None, database_url=place)) as agent,
    ):
        while not agent.stats().totals.sessions:
            time.sleep(0.01)
        importing.send_signal(signal.SIGINT)
        said, _ = importing.communicate(timeout=60)
        assert importing.returncode == 130
        assert f"{agent.stats().totals.sessions:,} new sessions came in." in said
        assert "It was cancelled before the end." in said


@LINUX
def test_an_import_that_breaks_off_says_what_came_in(place: str, tmp_path: Path) -> None:
    talks: Iterator[Talk] = (ended("Hello", "Yes.", session_id=f"s{number}") for number in range(3000))
    file = file_of(tmp_path, *talks)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "storage", "--database", place, "import", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False, env=os.environ)
    assert done.returncode == 1
    assert " new sessions came in." in done.stdout
    assert "the disk is full" in done.stderr
    assert "sessions were here already" in run(place, "import", file).output
