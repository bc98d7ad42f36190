"""Taking along from a notebook: files out, and conversations in."""

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agent import Agent, Form, Importing, OfferGone, Receipt, SessionNotFound, StoreError, TransferRefused
from storage import Store
from storage.history import ChatMessageHistory
from tests.foreign_exports import chatgpt_trip

Make = Callable[..., Agent]


@pytest.fixture
def other(make_agent: Make, tmp_path: Path) -> Agent:
    return make_agent(database_url=f"sqlite:///{tmp_path / 'other.db'}")


@pytest.fixture
def told(agent: Agent) -> Agent:
    lisbon = agent.conversation("lisbon")
    lisbon.send("I go to Lisbon in May.")
    turn = lisbon.send("What to pack?")
    lisbon.edit(turn.turn_id, "What to read?").finish()
    agent.conversation("porto").send("And Porto?")
    return agent


def test_everything_goes_out_and_in_and_is_the_same(told: Agent, other: Agent, tmp_path: Path) -> None:
    file = told.export(tmp_path / "all.json")
    report = other.import_(file)
    assert (report.new, report.turns, report.messages, report.broken_count) == (2, 4, 8, 0)
    assert other.export(tmp_path / "again.json").read_bytes() == file.read_bytes()
    assert [turn.prompt for turn in other.find("lisbon").turns(9)] == ["I go to Lisbon in May.", "What to read?"]
    assert other.search("pack").hits


@pytest.mark.parametrize("name", [" user 1 ", "x" * 900, "a\nb"])
def test_a_session_that_langchain_named_is_found_and_exported_under_its_name(
    agent: Agent, url: str, tmp_path: Path, name: str
) -> None:
    with closing(Store(url)) as store:
        ChatMessageHistory(name, store).add_messages([HumanMessage("Hello"), AIMessage("Hi")])
    assert agent.find(name).turns(1)[0].prompt == "Hello"
    assert json.loads(agent.export(tmp_path / "one.json", name).read_bytes())["sessions"][0]["session_id"] == name


def test_a_report_is_told_in_sentences(told: Agent, other: Agent, tmp_path: Path) -> None:
    file = told.export(tmp_path / "all.json")
    assert str(other.import_(file, dry_run=True)) == "2 new sessions would come in. 8 messages in all."
    assert other.sessions().sessions == ()
    assert str(other.import_(file)) == "2 new sessions came in. 8 messages in all."
    assert str(other.import_(file)) == "Nothing new came in. 2 sessions were here already."
    told.find("porto").send("More?")
    assert str(other.import_(told.export(file))) == "1 session grew. 2 messages in all. 1 session was here already."


def test_the_name_of_the_file_says_the_form_unless_it_is_given(told: Agent, tmp_path: Path) -> None:
    assert told.export(tmp_path / "lisbon.html", "lisbon").read_text().startswith("<!DOCTYPE html>")
    assert told.export(tmp_path / "lisbon.md", "lisbon").read_text().startswith("# I go to Lisbon in May.")
    assert told.export(tmp_path / "both.zip", form=Form.MARKDOWN).read_bytes().startswith(b"PK")
    with pytest.raises(
        TransferRefused, match=r"The name “all\.doc” says no form: say which, of json, markdown, html, pdf"
    ):
        told.export(tmp_path / "all.doc")


def test_a_name_that_says_another_form_is_refused(told: Agent, tmp_path: Path) -> None:
    with pytest.raises(TransferRefused, match=r"“both\.md” would be no such file: call it “both\.zip”"):
        told.export(tmp_path / "both.md")
    with pytest.raises(TransferRefused, match=r"Say which form is in “both\.zip”"):
        told.export(tmp_path / "both.zip")
    with pytest.raises(TransferRefused, match="Say at least one session"):
        told.export(tmp_path / "none.json", [])


def test_who_looks_on_is_told_how_far_it_is(told: Agent, other: Agent, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    file = told.export(tmp_path / "all.json", told=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (2, 2)
    seen: list[float | None] = []
    other.import_(file, told=lambda job: seen.append(job.fraction))
    assert seen[-1] == 1


def test_a_file_that_can_not_be_written_leaves_nothing_behind(told: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    with pytest.raises(TransferRefused, match="can't be written"):
        told.export(folder, form=Form.JSON)
    with pytest.raises(TransferRefused, match="can't be written: No such file or directory"):
        told.export(tmp_path / "nowhere" / "all.json")
    with pytest.raises(SessionNotFound):
        told.export(tmp_path / "faro.json", "faro")
    assert {path.name for path in tmp_path.iterdir() if ".db" not in path.suffix} == {"a folder"}


def test_interrupting_an_export_leaves_the_file_of_before(told: Agent, tmp_path: Path) -> None:
    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    file = tmp_path / "all.json"
    file.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        told.export(file, told=interrupted)
    assert file.read_text() == "before"


def many_sessions(file: Path) -> Path:
    """5,000 of them, without turns."""
    dates = {"created_at": "2026-05-04T12:00:00.000000Z", "last_activity": "2026-05-04T12:00:00.000000Z"}
    sessions = [{"session_id": f"session {number}", **dates} for number in range(5000)]
    file.write_text(json.dumps({"format": "windowseat", "version": 1, "sessions": sessions}))
    return file


def test_an_import_that_is_cancelled_leaves_whole_sessions_and_the_file_brings_the_rest(
    other: Agent, tmp_path: Path
) -> None:
    file = many_sessions(tmp_path / "all.json")
    job = other.begin_import(file)
    while not job.done:
        job.wait(0.001)
    job.cancel()
    report = job.finish()
    assert report.cancelled
    assert 0 < report.new < 5000
    assert other.stats().totals.sessions >= report.new
    assert "It was cancelled before the end." in str(report)
    rest = other.import_(file)
    assert other.stats().totals.sessions == 5000
    assert rest.known + rest.new == 5000


def ended(agent: Agent, file: Path, **how: Any) -> Importing:
    """An import of it in the background, when it has ended."""
    job = agent.begin_import(file, **how)
    job.wait()
    assert not job.running
    return job


def test_an_import_ends_with_its_agent(other: Agent, tmp_path: Path) -> None:
    job = other.begin_import(many_sessions(tmp_path / "all.json"))
    assert [running.source for running in other.imports()] == [tmp_path / "all.json"]
    other.close()
    assert not job.running
    assert job.finish().cancelled


def test_conversations_of_another_program_come_in_with_their_titles_and_models(agent: Agent, tmp_path: Path) -> None:
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([chatgpt_trip()]))
    report = agent.import_(file)
    assert report.kind == "chatgpt"
    assert report.new > 0
    assert agent.import_(file).new == 0
    assert all(session.title for session in agent.sessions().sessions)


def test_a_path_is_taken_as_people_write_it(
    told: Agent, other: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert told.export("~/all.json") == tmp_path / "all.json"
    assert other.import_("~/all.json").new == 2


def test_what_is_no_export_is_refused_in_a_sentence_and_nothing_comes_in(agent: Agent, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    with pytest.raises(TransferRefused, match=r"“notes\.txt” holds no conversation that can be read"):
        agent.import_(file)
    with pytest.raises(TransferRefused, match="There is no file"):
        agent.import_(tmp_path / "nowhere.json")
    assert agent.imports() == ()


def test_a_receipt_and_settings_that_are_none_break_nothing(told: Agent, other: Agent, tmp_path: Path) -> None:
    document: dict[str, Any] = json.loads(told.export(tmp_path / "all.json").read_text())
    lisbon = document["sessions"][0]
    lisbon["settings"] = {"window_turns": "many", "model": "echo"}
    for turn, receipt in zip(lisbon["turns"], ([1, 1, 10**9], {"nothing": 1}, ["a", None, 3]), strict=True):
        turn["receipt"] = receipt
    (tmp_path / "odd.json").write_text(json.dumps(document))
    other.import_(tmp_path / "odd.json")
    chat = other.find("lisbon")
    assert [Receipt.of(turn) for turn in chat.turns(9)] == [None, None]
    assert chat.send("Still there?").text


def test_an_export_that_is_offered_is_found_by_its_key_alone(told: Agent) -> None:
    key = told.offer(told.begin_export("lisbon", form="html"))
    assert b"".join(told.offered(key)).startswith(b"<!DOCTYPE html>")
    with pytest.raises(OfferGone, match="no longer offered"):
        told.offered("guess")


def test_an_offer_ends_with_the_last_token_of_its_owner(told: Agent) -> None:
    told.access.create("local")
    told.access.create("ann")
    ann = told.of("ann")
    ann.conversation("porto").send("Hello")
    key = ann.offer(ann.begin_export("porto"))
    assert told.offered(key).owner == "ann"
    number = next(token.id for token in told.access.all() if token.owner == "ann")
    told.access.revoke(number)
    with pytest.raises(OfferGone):
        told.offered(key)


def test_what_one_owner_takes_in_the_others_do_not_see(told: Agent, other: Agent, tmp_path: Path) -> None:
    ann = other.of("ann")
    ann.import_(told.export(tmp_path / "all.json"))
    assert other.stats().totals.sessions == 0
    assert ann.stats().totals.sessions == 2
    assert ann.import_(tmp_path / "all.json").known == 2


def test_many_look_at_an_import_while_it_runs(told: Agent, other: Agent, tmp_path: Path) -> None:
    job: Importing = other.begin_import(told.export(tmp_path / "all.json"))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(job.finish().new)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2] * 5


def test_the_import_that_ended_last_is_kept_for_its_owner_until_somebody_forgets_it(
    told: Agent, other: Agent, tmp_path: Path
) -> None:
    file = told.export(tmp_path / "all.json")
    ann = other.of("ann")
    assert other.of("ann").last_import is None
    first, second = ended(ann, file), ended(ann, file)
    assert ann.last_import is other.of("ann").last_import is second
    assert (second.failure, second.report.known) == ("", 2)
    assert other.last_import is None
    ann.forget_import(first)
    assert ann.last_import is second
    other.of("ann").forget_import(second)
    assert ann.last_import is None


def test_an_import_whose_end_is_told_to_whoever_waits_for_it_is_not_kept(
    told: Agent, other: Agent, tmp_path: Path
) -> None:
    file = told.export(tmp_path / "all.json")
    ended(other, file, dry_run=True)
    ended(other, file, awaited=True)
    other.import_(file)
    assert other.last_import is None


def test_an_import_that_broke_off_says_why_without_raising_it(told: Agent, other: Agent, tmp_path: Path) -> None:
    file = told.export(tmp_path / "all.json")
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("DROP TABLE imported_sessions")
    job = ended(other, file)
    assert other.last_import is job
    assert "no such table" in job.failure
    assert str(job.report) == "Nothing new came in."
    with pytest.raises(StoreError) as refused:
        job.finish()
    assert str(refused.value) == job.failure


def test_of_many_owners_the_newest_ends_are_kept(other: Agent, tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    file.write_text('{"format": "windowseat", "version": 1, "sessions": []}')
    for number in range(201):
        ended(other.of(f"owner {number}"), file)
    assert [other.of(f"owner {number}").last_import is None for number in (0, 1, 200)] == [True, False, False]
