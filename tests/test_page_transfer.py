"""Export and import on the page, drawn without a browser."""

import io
import json
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from agent import Agent, Form, Importing
from tests.foreign_exports import chatgpt, chatgpt_node, chatgpt_trip, zipped
from tests.test_page_library import press, select, show, titles, words
from ui.library.upload import Upload

Make = Callable[..., Agent]
WANTED, TAKING = "wanted of the browser", "what is taken in"
"""What the browser is asked for, and where the file is: nowhere else can it be seen without one."""


def exported(agent: Agent) -> bytes:
    return b"".join(agent.begin_export())


def kept(agent: Agent) -> Path:
    """All of it in a file."""
    folder = Path(agent.database.removeprefix("sqlite:///")).parent
    return agent.export(folder / "everything.json")


def talk(number: int) -> dict[str, Any]:
    """A conversation of ChatGPT's."""
    said = chatgpt_node("p", "top", "user", f"Question {number}", 1), chatgpt_node("a", "p", "assistant", "Answer", 2)
    return chatgpt(*said, current="a", title=f"Talk {number}", id=f"c-{number}", conversation_id=f"c-{number}")


@pytest.fixture
def elsewhere(make_agent: Make, tmp_path: Path) -> Agent:
    """An agent on another database, with three sessions."""
    agent = make_agent(database_url=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    for name in ("lisbon", "porto", "faro"):
        agent.conversation(name).send(f"To {name}")
    return agent


def fetched(shown: AppTest, agent: Agent) -> tuple[str, bytes]:
    """The name and content of the file that the browser was sent for."""
    address: str = shown.session_state[WANTED]["download"]
    assert address.startswith("/api/v1/exports/")
    export = agent.offered(address.rpartition("/")[2])
    return export.file_name, b"".join(export)


def download(shown: AppTest, form: Form) -> AppTest:
    shown.radio(key="export_form").set_value(form).run()
    return shown.button(key="confirm").click().run()


def upload(shown: AppTest, content: bytes, name: str = "conversations.json") -> AppTest:
    """Open the dialog and hand over a file; what is told of it is there when it was looked through."""
    if not shown.file_uploader:
        press(shown, "import")
    return settled(shown.file_uploader[0].set_value((name, content, "application/octet-stream")).run())


def settled(shown: AppTest) -> AppTest:
    """Drawn again until nothing runs in the dialog any more."""
    deadline = time.monotonic() + 10
    while any(button.key == "cancel import" for button in shown.button):
        assert time.monotonic() < deadline
        time.sleep(0.02)
        shown.run()
    return shown


def take_in(shown: AppTest) -> AppTest:
    return settled(shown.button(key="import").click().run())


def labels(shown: AppTest) -> list[str]:
    assert not shown.exception
    return [button.label for button in shown.button]


def click(shown: AppTest, label: str) -> AppTest:
    (button,) = [button for button in shown.button if button.label == label]
    return button.click().run()


def refusals(shown: AppTest) -> list[str]:
    assert not shown.exception
    return [error.value for error in shown.error]


def listed(shown: AppTest) -> list[list[Any]]:
    """The rows of the table in the dialog."""
    rows: list[list[Any]] = shown.dataframe[-1].value.to_numpy().tolist()
    return rows


@contextmanager
def locked(url: str) -> Iterator[sqlite3.Connection]:
    """The only one that can write: an import waits."""
    database = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    finally:
        database.rollback()
        database.close()


def wait_until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_form_that_there_is_can_be_chosen_and_says_what_it_is_for(agent: Agent) -> None:
    agent.conversation("lisbon").send("To Lisbon")
    shown = press(show(agent), "export")
    assert len(shown.radio(key="export_form").options) == len(Form)
    assert shown.radio(key="export_form").options[:3] == ["JSON", "Markdown", "HTML"]
    assert all(caption for caption in shown.radio(key="export_form").captions)


def test_what_is_selected_is_downloaded_in_the_form_that_was_chosen(agent: Agent) -> None:
    for name in ("lisbon", "porto", "faro"):
        agent.conversation(name).send(f"To {name}")
    shown = press(select(show(agent), 1), "export_selected")
    assert "**To porto**" in words(shown)
    name, content = fetched(download(shown, Form.MARKDOWN), agent)
    assert name.endswith("To-porto.md")
    assert b"You said: To porto" in content
    assert shown.toast[0].value == f"Getting {name}."
    assert not shown.radio


def test_several_sessions_come_as_a_zip_and_it_is_said_before(agent: Agent) -> None:
    for name in ("lisbon", "porto", "faro"):
        agent.conversation(name).send(f"To {name}")
    shown = press(select(show(agent), 0, 2), "export_selected")
    assert "2 sessions" in words(shown)
    assert "All but JSON come as a zip, with a file for each session." in words(shown)
    _, content = fetched(download(shown, Form.HTML), agent)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(name.partition("To-")[2] for name in archive.namelist()) == ["faro.html", "lisbon.html"]


def test_all_sessions_are_downloaded_with_the_archived_ones(agent: Agent) -> None:
    agent.conversation("lisbon").send("To Lisbon")
    agent.conversation("porto").send("To Porto")
    agent.conversation("porto").archive()
    shown = press(show(agent), "export")
    assert "All 2 sessions, the archived ones too" in words(shown)
    _, content = fetched(download(shown, Form.JSON), agent)
    assert {session["session_id"] for session in json.loads(content)["sessions"]} == {"lisbon", "porto"}


def test_the_form_that_was_chosen_last_is_chosen_the_next_time(agent: Agent) -> None:
    agent.conversation("lisbon").send("To Lisbon")
    shown = download(press(show(agent), "export"), Form.MARKDOWN)
    assert press(shown, "export").radio(key="export_form").value == Form.MARKDOWN


def test_where_there_is_nothing_there_is_nothing_to_download(agent: Agent) -> None:
    shown = press(show(agent), "export")
    assert "There is no session yet." in words(shown)
    assert shown.button(key="confirm").disabled


def test_a_session_that_was_deleted_meanwhile_is_said_to_be_gone_in_the_dialog(agent: Agent) -> None:
    agent.conversation("lisbon").send("To Lisbon")
    shown = press(select(show(agent), 0), "export_selected")
    agent.delete("lisbon")
    assert refusals(shown.radio(key="export_form").set_value(Form.HTML).run()) == ["There is no session “lisbon”."]


def test_a_file_is_looked_through_first_and_comes_in_when_it_is_asked_for(agent: Agent, elsewhere: Agent) -> None:
    shown = upload(show(agent), exported(elsewhere))
    assert "**conversations.json**, from Windowseat" in words(shown)
    assert "3 new sessions would come in. 6 messages in all." in words(shown)
    assert sorted(listed(shown)) == [["To faro", "new", 2], ["To lisbon", "new", 2], ["To porto", "new", 2]]
    assert agent.stats().totals.sessions == 0
    assert take_in(shown).dataframe[0].value["Title"].tolist() == ["To faro", "To porto", "To lisbon"]
    assert "3 new sessions came in. 6 messages in all." in words(shown)
    click(shown, "Done")
    assert "Done" not in labels(shown)


def test_what_is_here_already_is_said_and_nothing_is_left_to_import(agent: Agent, elsewhere: Agent) -> None:
    shown = take_in(upload(show(agent), exported(elsewhere)))
    upload(click(shown, "Import another file"), exported(elsewhere))
    assert "Nothing new would come in. 3 sessions were here already." in words(shown)
    assert not any(label.startswith("Import ") for label in labels(shown))


def test_a_session_that_went_on_elsewhere_grows(agent: Agent, elsewhere: Agent) -> None:
    agent.import_(kept(elsewhere))
    elsewhere.find("lisbon").send("And in May?")
    shown = upload(show(agent), exported(elsewhere))
    assert "1 session would grow. 2 messages in all. 2 sessions were here already." in words(shown)
    assert listed(shown) == [["To lisbon", "grows", 2]]
    take_in(shown)
    assert "1 session grew. 2 messages in all. 2 sessions were here already." in words(shown)
    assert [turn.prompt for turn in agent.find("lisbon").turns(5)] == ["To lisbon", "And in May?"]


def test_a_zip_of_chatgpt_says_what_was_hidden_and_what_is_broken_and_why(agent: Agent) -> None:
    broken = chatgpt(title="A *broken* one") | {"mapping": "nothing"}
    shown = upload(show(agent), zipped({"conversations.json": [chatgpt_trip(), broken], "user.json": {}}), "chats.zip")
    assert "**chats.zip**, from ChatGPT" in words(shown)
    assert (
        "1 new session would come in. 10 messages in all. 1 hidden message was left out. "
        "1 conversation could not be read."
    ) in words(shown)
    assert shown.expander[0].label == "1 conversation could not be read"
    assert "A \\*broken\\* one" in shown.expander[0].markdown[0].value
    assert take_in(shown).expander[0].label == "1 conversation could not be read"
    assert agent.stats().totals.sessions == 1


def test_a_session_in_which_a_reply_runs_is_named_and_left_as_it_is(make_agent: Make, elsewhere: Agent) -> None:
    agent = make_agent(echo_words_per_second=10)
    agent.import_(kept(elsewhere))
    elsewhere.find("lisbon").send("And in May?")
    agent.find("lisbon").start("word " * 100)
    shown = upload(show(agent), exported(elsewhere))
    assert "A reply runs in “To lisbon”\\: wait for it or stop it, then import the file again." in words(shown)
    assert "Import 1 session" not in labels(shown)


def test_of_many_sessions_and_of_many_broken_ones_the_first_are_shown(agent: Agent) -> None:
    many = [talk(number) for number in range(1001)] + [{"mapping": "nothing", "title": f"{n}"} for n in range(22)]
    shown = upload(show(agent), json.dumps(many).encode())
    assert len(listed(shown)) == 1000
    assert "The first 1,000 of 1,001." in words(shown)
    assert shown.expander[0].markdown[0].value.splitlines()[-1] == "- and 2 more"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "empty.json", "“empty.json” holds no conversation that can be read\\: It is empty."),
        (
            b'{"a": 1}',
            "../a *b*.json",
            "“\\_a \\_b\\_.json” holds no conversation that can be read\\: Windowseat's own, ChatGPT's, Claude's and "
            "Open WebUI's exports are read.",
        ),
        (b"PK\3\4 and so on", "chats.zip", "The archive “chats.zip” is not whole\\: get it again."),
        (zipped({"picture.png": b""}), "chats.zip", "The archive “chats.zip” holds no JSON file."),
        (
            b'{"format": "windowseat", "version": 9, "sessions": []}',
            "new.json",
            "“new.json” was made by a newer Windowseat\\: update this one to read it.",
        ),
    ],
)
def test_what_can_not_be_read_is_said_in_a_sentence_and_another_file_asked_for(
    agent: Agent, elsewhere: Agent, content: bytes, name: str, said: str
) -> None:
    shown = upload(show(agent), content, name)
    assert refusals(shown) == [said]
    assert agent.imports() == ()
    assert "3 new sessions would come in. 6 messages in all." in words(upload(shown, exported(elsewhere)))
    assert refusals(shown) == []


def test_an_sqlite_file_with_the_table_of_langchain_comes_in_too(agent: Agent, tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "history.db")
    database.execute("CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
    said = json.dumps({"type": "human", "data": {"content": "To Lisbon", "type": "human"}})
    database.execute("INSERT INTO message_store (session_id, message) VALUES ('lisbon', ?)", [said])
    database.commit()
    database.close()
    shown = upload(show(agent), (tmp_path / "history.db").read_bytes(), "history.db")
    assert "**history.db**, from LangChain's table" in words(shown)
    take_in(shown)
    assert agent.stats().totals.sessions == 1


def test_the_file_leaves_the_disk_when_it_is_not_wanted_any_more(agent: Agent, elsewhere: Agent) -> None:
    shown = upload(show(agent), exported(elsewhere))
    kept_as: Path = shown.session_state[TAKING].upload.path
    assert kept_as.read_bytes()
    click(shown, "Choose another file")
    assert not kept_as.parent.exists()
    upload(shown, exported(elsewhere))
    kept_as = shown.session_state[TAKING].upload.path
    take_in(shown)
    wait_until(lambda: not kept_as.parent.exists())


def test_a_file_goes_with_whoever_held_it_and_never_gets_out_of_its_folder(agent: Agent) -> None:
    held = Upload("/etc/../pass\0wd\n", io.BytesIO(b"{}"))
    kept_as = held.path
    assert kept_as.name == "_etc_.._pass_wd_"
    assert kept_as.read_bytes() == b"{}"
    del held
    assert not kept_as.parent.exists()


def test_where_there_is_no_room_for_a_file_it_is_said(
    agent: Agent, elsewhere: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = exported(elsewhere)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    shown = upload(show(agent), file)
    assert refusals(shown) == ["The file can't be kept for reading\\: No such file or directory."]
    assert shown.file_uploader


def test_a_file_that_went_with_the_connection_is_asked_for_again(agent: Agent, elsewhere: Agent) -> None:
    shown = upload(show(agent), exported(elsewhere))
    shown.session_state[TAKING].upload.remove()
    assert refusals(click(shown, "Import 3 sessions"))[0].startswith("The connection to the page broke off")
    assert shown.file_uploader
    assert agent.stats().totals.sessions == 0


def test_an_import_that_runs_is_in_the_library_with_its_end_and_a_way_to_cancel_it(
    agent: Agent, url: str, elsewhere: Agent
) -> None:
    shown = show(agent)
    with locked(url):
        job = agent.begin_import(kept(elsewhere))
        shown.run()
        assert "Cancel" in labels(shown)
        assert not titles(shown)
    job.wait()
    shown.run()
    assert [toast.value for toast in shown.toast] == ["everything.json\\: 3 new sessions came in. 6 messages in all."]
    assert len(titles(shown)) == 3
    assert not shown.run().toast


def test_the_address_of_a_database_is_not_shown_since_a_password_may_be_in_it(
    agent: Agent, url: str, tmp_path: Path
) -> None:
    database = sqlite3.connect(tmp_path / "history.db")
    database.execute("CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
    said = json.dumps({"type": "human", "data": {"content": "To Lisbon", "type": "human"}})
    database.execute("INSERT INTO message_store (session_id, message) VALUES ('lisbon', ?)", [said])
    database.commit()
    database.close()
    shown = show(agent)
    with locked(url):
        job = agent.begin_import(f"sqlite:///{tmp_path / 'history.db'}")
        shown.run()
    job.wait()
    shown.run()
    assert [toast.value for toast in shown.toast] == ["a database\\: 1 new session came in. 1 message in all."]


def test_cancelling_keeps_what_came_in_and_says_so(agent: Agent, url: str, tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    path.write_text(json.dumps([talk(number) for number in range(600)]))
    shown = show(agent)
    with locked(url):
        job = agent.begin_import(path)
        click(shown.run(), "Cancel")
    job.wait()
    (toast,) = shown.run().toast
    assert "It was cancelled before the end." in toast.value
    assert agent.stats().totals.sessions == job.report.new < 600


def test_an_import_that_breaks_off_says_why(agent: Agent, url: str, elsewhere: Agent) -> None:
    shown = show(agent)
    with locked(url) as database:
        job = agent.begin_import(kept(elsewhere))
        shown.run()
        database.execute("DROP TABLE imported_sessions")
        database.commit()
    job.wait()
    assert "no such table" in shown.run().warning[0].value


def test_an_import_that_breaks_off_says_why_in_the_dialog_with_what_came_in(
    agent: Agent, url: str, elsewhere: Agent
) -> None:
    shown = upload(show(agent), exported(elsewhere))
    with locked(url) as database:
        shown.button(key="import").click().run()
        database.execute("DROP TABLE imported_sessions")
        database.commit()
    assert "no such table" in refusals(settled(shown))[0]
    assert "Nothing new came in." in words(shown)
    assert not shown.warning


def test_nothing_of_another_owners_import_is_seen(agent: Agent, url: str, elsewhere: Agent) -> None:
    with locked(url):
        job = agent.of("ann").begin_import(kept(elsewhere))
        assert "Cancel" not in labels(show(agent))
        assert "Cancel" in labels(show(agent.of("ann")))
    job.wait()
    assert agent.stats().totals.sessions == 0


def ended(agent: Agent, file: Path) -> Importing:
    """Taken in with no tab open."""
    job = agent.begin_import(file)
    job.wait()
    return job


def test_an_import_that_ended_with_no_tab_open_stays_in_the_library_until_it_is_dismissed(
    agent: Agent, tmp_path: Path
) -> None:
    file = tmp_path / "a *b*.json"
    file.write_text(json.dumps([talk(1), {"mapping": "nothing", "title": "The lost one"}]))
    job = ended(agent, file)
    one, other = show(agent), show(agent)
    sentence = "1 new session came in. 2 messages in all. 1 conversation could not be read."
    for shown in (one, other.run()):
        assert f"Import of **a \\*b\\*.json**: {sentence}" in words(shown)
        assert not shown.toast
    one.session_state[f"report of import {id(job)}"] = True
    assert any("The lost one" in said for said in words(one.run()))
    click(one, "Dismiss")
    assert "Dismiss" not in labels(one)
    assert "Dismiss" not in labels(other.run())


def test_an_import_in_which_nothing_was_broken_is_told_in_a_sentence_alone(agent: Agent, elsewhere: Agent) -> None:
    ended(agent, kept(elsewhere))
    shown = show(agent)
    assert "Import of **everything.json**: 3 new sessions came in. 6 messages in all." in words(shown)
    assert not shown.expander


def test_an_import_that_broke_off_with_no_tab_open_says_why_and_what_came_in_until_then(
    agent: Agent, url: str, elsewhere: Agent
) -> None:
    file = kept(elsewhere)
    with locked(url) as database:
        database.execute("DROP TABLE imported_sessions")
        database.commit()
    ended(agent, file)
    shown = show(agent)
    assert "Import of **everything.json** broke off. Until then: Nothing new came in." in words(shown)
    assert "no such table" in refusals(shown)[0]
    assert refusals(click(shown, "Dismiss")) == []


def test_an_import_whose_end_the_dialog_has_shown_is_not_told_again(agent: Agent, elsewhere: Agent) -> None:
    shown = take_in(upload(show(agent), exported(elsewhere)))
    assert "Dismiss" not in labels(click(shown, "Done"))
    assert "Dismiss" not in labels(show(agent))


def test_an_import_whose_dialog_was_closed_is_told_to_a_tab_that_comes_later(
    agent: Agent, url: str, elsewhere: Agent
) -> None:
    shown = upload(show(agent), exported(elsewhere))
    with locked(url):
        shown.button(key="import").click().run()
        (job,) = agent.imports()
    job.wait()
    assert "Import of **conversations.json**: 3 new sessions came in. 6 messages in all." in words(show(agent))


def test_the_end_of_another_owners_import_is_not_told(agent: Agent, elsewhere: Agent) -> None:
    ended(agent.of("ann"), kept(elsewhere))
    assert "Dismiss" not in labels(show(agent))
    assert "Dismiss" in labels(show(agent.of("ann")))
