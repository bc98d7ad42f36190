"""Sessions taken along over HTTP: out as files that are whole or visibly not, in from files of any size."""

import asyncio
import io
import json
import re
import resource
import socket
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from agent import Agent, Form, offers
from api import make_service
from api.problems import BrokenOff
from storage import Sender, Store
from storage.transfer import as_file
from storage.transfer.talk import Talk, TalkMessage, TalkTurn
from tests import foreign_exports as foreign
from tests.api_server import ApiServer
from tests.test_api import Chat, found, refused, until
from tests.test_api_entrance import Door
from tests.test_api_streams import STREAMED, Event, events_of
from tests.test_serving import served, when_up

Make = Callable[..., Agent]
Serve = Callable[[Agent], ApiServer]

FILE = {"Content-Type": "application/octet-stream"}
MEGABYTE = 1_000_000
AT = datetime(2026, 5, 4, tzinfo=UTC)


def many(count: int, length: int = 1) -> Iterator[bytes]:
    """A file of our own with so many sessions, each with one prompt of that length, in pieces."""
    return as_file((_talk(number, length) for number in range(count)), Form.JSON, many=True)


def _talk(number: int, length: int) -> Talk:
    said = (TalkMessage(Sender.HUMAN, "x" * length), TalkMessage(Sender.AI, "Yes."))
    turn = TalkTurn(None, said, AT, closed_at=AT, model="echo")
    return Talk(f"made:{number}", f"s{number}", f"Number {number}", AT, AT, (turn,), 0)


def sent(client: httpx.Client, content: bytes | Iterator[bytes], **query: Any) -> httpx.Response:
    return client.post("/v1/import", content=content, headers=FILE, params=query)


def followed(client: httpx.Client, content: bytes) -> list[Event]:
    with client.stream("POST", "/v1/import", content=content, headers=FILE | STREAMED) as answer:
        assert answer.status_code == 200
        return list(events_of(answer.iter_lines()))


def listed(client: httpx.Client) -> list[str]:
    return [session["session_id"] for session in found(client.get("/v1/sessions"))["sessions"]]


@pytest.fixture
def door(agent: Agent, serve_api: Serve) -> Iterator[Door]:
    door = Door(agent, serve_api(agent))
    with door.ann, door.bob:
        yield door


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which bodies wait to be read, empty."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def talk_a_lot(client: httpx.Client) -> None:
    """Two sessions with branches, marks, tags, data and a copy."""
    chat = Chat(client, "lisbon", title="Nach Köln und 里斯本", system_prompt="Be kind.")
    turns = [chat.send(f"Question {number}", data={"colour": "blue"})["turn_id"] for number in range(5)]
    chat.post(f"/turns/{turns[2]}/edit", 201, prompt="Another?")
    chat.put(f"/turns/{turns[1]}/rating", rating=1)
    chat.patch(tags=["travel"], pinned=True)
    chat.post("/fork", 201, turn_id=turns[1])
    Chat(client, "porto").send("And Porto?")


# Out


def test_what_is_exported_is_imported_by_another_owner_and_exported_again_byte_for_byte(door: Door) -> None:
    talk_a_lot(door.ann)
    file = door.ann.get("/v1/export")
    report = found(sent(door.bob, file.content))
    assert (report["new"], report["grown"], report["broken"], report["kind"]) == (3, 0, [], "windowseat")
    assert door.bob.get("/v1/export").content == file.content
    assert door.ann.get("/v1/export").content == file.content


def test_sessions_go_over_http_from_one_database_to_another(
    http: httpx.Client, make_agent: Make, serve_api: Serve, each_url: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}" if each_url.startswith("sqlite") else each_url
    talk_a_lot(http)
    file = http.get("/v1/export").content
    with serve_api(make_agent(database_url=url)).client() as other:
        assert found(sent(other, file))["sentence"].startswith("3 new sessions came in.")
        assert other.get("/v1/export").content == file


def test_only_the_sessions_that_are_named_are_in_the_file(http: httpx.Client) -> None:
    for name in ("one", "two", "three"):
        Chat(http, name).send("Hello")
    file = found(http.get("/v1/export", params={"session": ["three", "one", "three"]}))
    assert [session["session_id"] for session in file["sessions"]] == ["one", "three"]


def test_a_session_whose_name_came_from_elsewhere_is_exported_and_deleted_by_it(http: httpx.Client) -> None:
    for name in (" user 1 ", "x" * 900):
        assert found(sent(http, b"".join(as_file([replace(_talk(1, 1), session_id=name)], Form.JSON, many=False))))
        file = found(http.get("/v1/export", params={"session": name}))
        assert [session["session_id"] for session in file["sessions"]] == [name]
        assert http.delete(f"/v1/sessions/{quote(name)}").status_code == 204
    assert listed(http) == []


def test_without_any_session_the_file_is_empty_and_one_all_the_same(http: httpx.Client) -> None:
    file = http.get("/v1/export")
    assert found(file) == {"format": "windowseat", "version": 1, "sessions": []}
    assert found(sent(http, file.content))["sentence"] == "Nothing new came in."


@pytest.mark.parametrize("name", ["none", "a\0b", "x" * 200, " ", "s1/../s2"])
def test_of_a_session_that_is_not_there_nothing_is_sent(
    make_agent: Make, serve_api: Serve, each_url: str, name: str
) -> None:
    with serve_api(make_agent(database_url=each_url)).client() as client:
        Chat(client, "one").send("Hello")
        assert "There is no session" in refused(client.get("/v1/export", params={"session": ["one", name]}), 404)


@pytest.mark.parametrize("query", ["session=", "form=docx", "from=json", "session=" + "x" * 1001])
def test_a_query_that_means_nothing_exports_nothing(http: httpx.Client, query: str) -> None:
    assert refused(http.get(f"/v1/export?{query}"), 422)


@pytest.mark.parametrize("form", list(Form))
def test_one_session_is_a_file_of_every_form(http: httpx.Client, form: Form) -> None:
    talk_a_lot(http)
    file = http.get("/v1/export", params={"form": form.value, "session": "porto"})
    assert file.status_code == 200
    assert re.fullmatch(r'attachment; filename="\d{4}-\d\d-\d\d-[\w-]+\.\w+"', file.headers["content-disposition"])
    assert "content-length" not in file.headers
    assert len(file.content) > 100
    assert not file.content.startswith(b"PK")


@pytest.mark.parametrize("form", [form for form in Form if form is not Form.JSON])
def test_several_sessions_are_an_archive_with_a_file_for_each(http: httpx.Client, form: Form) -> None:
    talk_a_lot(http)
    file = http.get("/v1/export", params={"form": form.value})
    assert (file.status_code, file.headers["content-type"]) == (200, "application/zip")
    assert file.headers["content-disposition"].endswith('.zip"')
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) >= 3


def test_the_form_shows_in_the_media_type(http: httpx.Client) -> None:
    Chat(http, "one").send("Hello")
    kinds = {
        form: http.get("/v1/export", params={"session": "one", "form": form}).headers["content-type"]
        for form in ("json", "markdown", "html")
    }
    plain = {"markdown": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8"}
    assert kinds == {"json": "application/json"} | plain


def test_a_title_in_any_script_names_the_file_and_a_plain_name_stands_beside_it(http: httpx.Client) -> None:
    Chat(http, "one", title="Nach Köln, 里斯本: “ja”\r\nX").send("Hello")
    said = http.get("/v1/export", params={"session": "one", "form": "html"}).headers["content-disposition"]
    assert said.isascii()
    plain, encoded = re.fullmatch(r"attachment; filename=\"([\w.-]+)\"; filename\*=UTF-8''([\w.%-]+)", said).groups()  # type: ignore[union-attr]
    assert "K_ln" in plain
    assert "Köln" in httpx.URL(f"http://localhost/{encoded}").path
    assert "里斯本" in httpx.URL(f"http://localhost/{encoded}").path


# Who may


def test_the_sessions_of_another_owner_are_in_no_file(door: Door) -> None:
    door.agent.of("ann").conversation("diary").send("A secret")
    Chat(door.bob, "bobs").send("Hello")
    for form in Form:
        file = door.bob.get("/v1/export", params={"form": form.value})
        assert file.status_code == 200
        assert b"diary" not in file.content
    assert "secret" not in door.bob.get("/v1/export").text
    assert "There is no session" in refused(door.bob.get("/v1/export", params={"session": "diary"}), 404)


def test_a_stranger_neither_takes_out_nor_puts_in(door: Door, spool: Path) -> None:
    with door.server.client() as stranger:
        assert "token" in refused(stranger.get("/v1/export"), 401)
        assert "token" in refused(sent(stranger, b"".join(many(3))), 401)
    assert listed(door.ann) == listed(door.bob) == []
    assert list(spool.iterdir()) == []


def test_a_stranger_is_refused_before_the_file_is_read(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.ann.base_url.port or 0), timeout=10) as connection:
        head = "POST /v1/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/zip\r\n"
        connection.sendall(f"{head}Content-Length: 3000000000\r\n\r\n".encode())
        assert b" 401 " in connection.recv(1000)  # Not a byte of the body was sent.


def test_a_page_of_another_server_puts_nothing_in(http: httpx.Client) -> None:
    answer = http.post("/v1/import", content=b"".join(many(1)), headers=FILE | {"Origin": "http://evil.example"})
    assert "Only pages of this server" in refused(answer, 403)
    assert listed(http) == []


def offered(agent: Agent, *session_ids: str, form: str = "json") -> str:
    return f"/v1/exports/{agent.offer(agent.begin_export(session_ids or None, form=form))}"


def test_a_key_opens_what_was_offered_without_a_token_from_anywhere(door: Door) -> None:
    talk_a_lot(door.ann)
    address = offered(door.agent.of("ann"), "porto", form="html")
    link = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", "X-Forwarded-For": "192.0.2.7"}
    with door.server.client() as browser:
        for path in (address, f"/api{address}"):
            file = browser.get(path, headers=link)
            assert (file.status_code, "And Porto?" in file.text) == (200, True)
            assert file.headers["content-disposition"].startswith("attachment; ")
            assert file.headers["cross-origin-resource-policy"] == "same-origin"
        assert "WINDOWSEAT_HOSTS" in refused(browser.get(address, headers={"Host": "evil.example"}), 403)
        assert refused(browser.get("/v1/export?session=porto", headers=link), 401)


def test_a_key_that_was_never_given_opens_nothing(door: Door) -> None:
    known = offered(door.agent.of("ann"))
    for wrong in ("x", "ä", known[-32:-1], f"{known[-32:]}x", known[-32:].swapcase()):
        assert "no longer offered" in refused(door.ann.get(f"/v1/exports/{wrong}"), 404)


def test_a_key_opens_nothing_once_its_time_is_over(http: httpx.Client, agent: Agent, monkeypatch: Any) -> None:
    monkeypatch.setattr(offers, "LIFE", 2.5)
    address = offered(agent)
    assert http.get(address).status_code == 200
    until(lambda: http.get(address).status_code == 404)


def test_a_key_opens_nothing_once_its_owner_could_not_come_in_any_more(door: Door) -> None:
    anns, ours = offered(door.agent.of("ann")), offered(door.agent)
    second, _ = door.agent.access.create("ann")
    with door.server.client() as browser:
        door.agent.access.revoke(door.number)
        assert browser.get(anns).status_code == 200
        door.agent.access.revoke(second)
        assert "no longer offered" in refused(browser.get(anns), 404)
        assert refused(browser.get(ours), 404)


def test_of_many_offers_the_oldest_is_forgotten(http: httpx.Client, agent: Agent) -> None:
    first, last = [offered(agent) for _ in range(offers.MOST + 1)][:: offers.MOST]
    assert (http.get(first).status_code, http.get(last).status_code) == (404, 200)


# While it is sent


@pytest.fixture
def long(make_agent: Make, serve_api: Serve, tmp_path: Path) -> tuple[Agent, ApiServer]:
    """A service with three sessions, of which two are longer than what is kept on the way."""
    agent = make_agent()
    file = tmp_path / "long.json"
    file.write_bytes(b"".join(many(2, 16 * MEGABYTE)))
    agent.import_(file)
    agent.conversation("secret-last").send("Hello")
    return agent, serve_api(agent)


def test_a_file_comes_as_it_is_made(long: tuple[Agent, ApiServer]) -> None:
    _, server = long
    with server.client() as client, server.client() as other, client.stream("GET", "/v1/export") as file:
        pieces = file.iter_bytes()
        first = next(pieces)
        other.delete("/v1/sessions/secret-last")
        whole = json.loads(first + b"".join(pieces))
    assert [session["session_id"] for session in whole["sessions"]] == ["s0", "s1"]


def test_a_session_that_is_deleted_meanwhile_breaks_off_the_file_in_which_it_was_to_be(
    long: tuple[Agent, ApiServer], capfd: pytest.CaptureFixture[str]
) -> None:
    agent, _ = long
    names = ["s0", "s1", "secret-last"]
    came = []
    with ApiServer(agent) as server, server.client() as client, server.client() as other:  # Writes to our stderr.
        with client.stream("GET", "/v1/export", params={"session": names}) as file:
            pieces = file.iter_bytes()
            came.append(next(pieces))
            other.delete("/v1/sessions/secret-last")
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                came.extend(pieces)
        assert file.status_code == 200
        assert client.get("/health").status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(b"".join(came))
    written = capfd.readouterr().err
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    (broken,) = [line for line in lines if line["event"] == "broken_off"]
    assert (broken["route"], broken["error"], broken["level"]) == ("/v1/export", "SessionNotFound", "warning")
    assert broken["request_id"] == file.headers["x-request-id"]
    assert "secret" not in written


def test_whatever_serves_it_is_told_that_a_file_is_not_whole(agent: Agent) -> None:
    """Asked as a server does: some would end the answer well if the service only fell silent."""
    for name in ("one", "two"):
        agent.conversation(name).send("x" * 70_000)
    sent: list[Any] = []

    def meanwhile(message: Any) -> None:
        sent.append(message)
        if len(sent) == 2:
            agent.delete("two")

    with pytest.raises(BrokenOff, match="SessionNotFound"):
        serve_one(agent, b"session=one&session=two", meanwhile)
    assert sent[0]["status"] == 200
    assert all(message["more_body"] for message in sent[1:])


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_long_session_is_sent_in_few_portions(agent: Agent, tmp_path: Path, form: str) -> None:
    turns = tuple(replace(_talk(1, 500).turns[0], parent=place - 1 if place else None) for place in range(500))
    file = tmp_path / "long.json"
    file.write_bytes(b"".join(as_file([replace(_talk(1, 1), turns=turns, head=499)], Form.JSON, many=False)))
    agent.import_(file)
    sent: list[Any] = []
    serve_one(agent, f"session=s1&form={form}".encode(), sent.append)
    body = [message["body"] for message in sent[1:]]
    assert len(b"".join(body)) > 250_000
    assert len(body) < 10


def serve_one(agent: Agent, query: bytes, told: Callable[[Any], object]) -> None:
    """Have an export sent to whoever is told each message that a server gets."""

    async def send(message: Any) -> None:
        told(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": "/v1/export",
        "query_string": query,
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 5000),
        "http_version": "1.1",
        "scheme": "http",
    }
    asyncio.run(_served(make_service(lambda: agent, agent.settings), scope, receive, send))


async def _served(app: Any, *given: Any) -> None:
    await app(*given)


def test_who_hangs_up_ends_the_work_on_the_file(
    long: tuple[Agent, ApiServer], capfd: pytest.CaptureFixture[str]
) -> None:
    agent, _ = long
    export = agent.begin_export()
    with ApiServer(agent) as server:
        with server.client() as client, client.stream("GET", f"/v1/exports/{agent.offer(export)}") as file:
            next(file.iter_bytes())
        until(lambda: "/v1/exports/{key}" in capfd.readouterr().err)  # It is over.
    assert export.done < export.total == 3


# In


def test_what_is_imported_twice_is_there_once(http: httpx.Client) -> None:
    file = b"".join(many(3))
    assert found(sent(http, file))["sentence"] == "3 new sessions came in. 6 messages in all."
    again = found(sent(http, file))
    assert (again["known"], again["new"], again["sessions"]) == (3, 0, [])
    assert again["sentence"] == "Nothing new came in. 3 sessions were here already."
    assert len(listed(http)) == 3


def test_a_report_names_what_came_in_and_what_could_not_be_read(http: httpx.Client) -> None:
    file = json.dumps([foreign.chatgpt_trip(), {"mapping": 1}])
    report = found(http.post("/v1/import", content=file, headers={"Content-Type": "application/json; charset=utf-8"}))
    (taken,) = report["sessions"]
    assert (report["kind"], taken["title"], taken["fate"]) == ("chatgpt", "Lisbon", "new")
    assert (taken["turns"], taken["messages"]) == (report["turns"], report["messages"])
    assert report["messages"] == found(http.get(f"/v1/sessions/{taken['session_id']}"))["message_count"]
    (broken,) = report["broken"]
    assert (report["broken_count"], "conversation 2" in broken["name"]) == (1, True)
    assert broken["reason"].endswith(".")
    assert (report["busy"], report["busy_count"], report["cancelled"], report["dry_run"]) == ([], 0, False, False)


def test_an_archive_of_another_program_is_taken_as_it_is(http: httpx.Client) -> None:
    message = foreign.claude_message("1", "human", "Hello", 1)
    packed = foreign.zipped({"conversations.json": [foreign.claude(message)], "users.json": []})
    report = found(http.post("/v1/import", content=packed, headers={"Content-Type": "application/zip"}))
    assert (report["kind"], report["new"]) == ("claude", 1)


def test_a_table_of_langchains_is_taken_as_the_file_that_holds_it(http: httpx.Client, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.db") as database:
        database.execute("create table message_store (id integer primary key, session_id text, message text)")
        message = json.dumps({"type": "human", "data": {"content": "Hello"}})
        database.execute("insert into message_store (session_id, message) values ('one', ?)", [message])
    database.close()
    report = found(sent(http, (tmp_path / "history.db").read_bytes()))
    assert (report["kind"], report["new"], report["messages"]) == ("langchain", 1, 1)


def test_an_import_that_was_answered_is_not_told_again_on_the_page(door: Door) -> None:
    found(sent(door.ann, b"".join(many(1))))
    refused(sent(door.ann, b"nothing that can be read"), 422)
    assert door.agent.of("ann").last_import is None


def test_a_dry_run_says_the_same_and_changes_nothing(http: httpx.Client) -> None:
    file = b"".join(many(2))
    dry = found(sent(http, file, dry_run=True))
    assert dry["sentence"] == "2 new sessions would come in. 4 messages in all."
    assert listed(http) == []
    wet = found(sent(http, file))
    same = dry.keys() - {"dry_run", "sentence"}
    assert {name: dry[name] for name in same} == {name: wet[name] for name in same}


@pytest.mark.parametrize("query", ["dry_run=perhaps", "dryrun=true", "source=sqlite:////etc/passwd"])
def test_a_query_that_means_nothing_imports_nothing(http: httpx.Client, spool: Path, query: str) -> None:
    assert refused(http.post(f"/v1/import?{query}", content=b"".join(many(1)), headers=FILE), 422)
    assert (listed(http), list(spool.iterdir())) == ([], [])


HOSTILE = {
    "nothing": b"",
    "no file": b"\0" * 1000,
    "an archive that is none": b"PK\3\4" + b"x" * 1000,
    "an archive that unpacks to far more": foreign.zipped({"conversations.json": b"[" + b" " * 30_000_000}),
    "an archive of something else": foreign.zipped({"../../etc/passwd": b"root"}),
    "a page": b"<!doctype html><html></html>",
    "depth": b"[" * 1_000_000,
    "an address": b"sqlite:////etc/passwd",
    "a newer file": b'{"format":"windowseat","version":99,"sessions":[]}',
    "no database": b"SQLite format 3\0" + b"x" * 1000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_export_is_refused_in_a_sentence(http: httpx.Client, spool: Path, content: bytes) -> None:
    for headers in (FILE, FILE | STREAMED):
        answer = http.post("/v1/import", content=content, headers=headers)
        said = refused(answer, 422)
        assert said.endswith("."), said
        assert str(spool) not in said
        assert answer.json()["type"] == "urn:windowseat:transfer-refused"
    assert (listed(http), list(spool.iterdir())) == ([], [])


def test_a_file_is_called_by_how_it_came_since_it_has_no_name(http: httpx.Client) -> None:
    assert refused(sent(http, b"abc"), 422).startswith("“file sent over HTTP” holds no conversation")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_file_is_sent_as_what_it_is(http: httpx.Client, kind: str) -> None:
    answer = http.post("/v1/import", content=b"".join(many(1)), headers={"Content-Type": kind})
    assert "Content-Type: application/octet-stream" in refused(answer, 415)
    assert listed(http) == []


def test_a_file_may_be_larger_than_other_bodies_up_to_a_limit_of_its_own(
    make_agent: Make, serve_api: Serve, spool: Path
) -> None:
    file = b"".join(many(30))
    chunks = [file[start : start + 1000] for start in range(0, len(file), 1000)]
    with serve_api(make_agent(body_limit=1000, import_limit=len(file))).client() as client:
        for path in ("/v1/import", "/api/v1/import"):
            assert found(client.post(path, content=file, headers=FILE))["new"] + len(listed(client)) >= 30
            for content in (file + b" ", iter([*chunks, b" "])):
                said = refused(client.post(path, content=content, headers=FILE), 413)
                assert f"at most {len(file):,} bytes here (WINDOWSEAT_IMPORT_LIMIT)" in said
        assert list(spool.iterdir()) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/import/"),
        ("POST", "//v1/import"),
        ("PUT", "/v1/templates/v1/import"),
        ("PUT", "/v1/import"),
        ("POST", "/v1/sessions"),
        ("POST", "/api/api/v1/import"),
    ],
)
def test_no_other_address_takes_what_only_an_import_may_bring(
    make_agent: Make, serve_api: Serve, method: str, path: str
) -> None:
    with serve_api(make_agent(body_limit=1000)).client() as client:
        answer = client.request(method, f"{str(client.base_url).rstrip('/')}{path}", content=b"x" * 2000, headers=FILE)
        assert "WINDOWSEAT_BODY_LIMIT" in refused(answer, 413)
        assert "application/json" in refused(client.request(method, path, content=b"x", headers=FILE), 415)


def test_an_import_is_followed_to_its_end(http: httpx.Client, spool: Path) -> None:
    *progress, last = followed(http, b"".join(many(1500)))
    assert {event.name for event in progress} == {"progress"}
    done = [event.data["done"] for event in progress]
    fractions = [event.data["fraction"] or 0 for event in progress]
    assert done == sorted(done)
    assert (done[-1], fractions[-1]) == (1500, 1.0)
    assert fractions == sorted(fractions)
    assert (last.name, last.data["new"]) == ("end", 1500)
    assert last.data["sentence"] == "1,500 new sessions came in. 3,000 messages in all."
    until(lambda: not list(spool.iterdir()))


@contextmanager
def sending(server: ApiServer, body: bytes, said: int, accept: str) -> Iterator[None]:
    """Say that so many bytes come, send these, and hang up."""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20) as connection:
        head = "POST /v1/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
        connection.sendall(f"{head}Accept: {accept}\r\nContent-Length: {said}\r\n\r\n".encode() + body)
        yield


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
def test_hanging_up_cancels_and_leaves_whole_sessions(
    agent: Agent, serve_api: Serve, spool: Path, url: str, accept: str
) -> None:
    server = serve_api(agent)
    file = b"".join(many(3000))
    with sending(server, file, len(file), accept):
        until(lambda: any(job.done for job in agent.imports()))
    until(lambda: not agent.imports() and not list(spool.iterdir()))
    with server.client() as client:
        there = found(client.get("/v1/stats"))["totals"]["sessions"]
        assert there < 3000
        with Store(url) as store:
            assert store.verify() == []
        rest = found(sent(client, file))
        assert (rest["known"], rest["new"]) == (there, 3000 - there)


def test_who_hangs_up_before_the_end_of_the_file_puts_nothing_in(
    agent: Agent, serve_api: Serve, spool: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve_api(agent)
    file = b"".join(many(3, MEGABYTE))
    with sending(server, file, len(file) + 1, "*/*"):
        until(lambda: bool(list(spool.iterdir())))
    with server.client() as client:
        until(lambda: 'route": "/v1/import"' in capfd.readouterr().err)
        assert (listed(client), list(spool.iterdir())) == ([], [])


def test_two_who_import_the_same_file_at_once_bring_it_in_once(door: Door) -> None:
    file = b"".join(many(700))
    with ThreadPoolExecutor(3) as crowd:
        bringing = [crowd.submit(sent, client, file) for client in (door.ann, door.ann, door.bob)]
        first, second, bobs = (found(one.result(60)) for one in bringing)
    assert first["new"] + second["new"] == 700 == first["known"] + second["known"]
    assert bobs["new"] == 700
    assert found(door.ann.get("/v1/stats"))["totals"]["messages"] == 1400


def test_other_requests_are_answered_while_a_file_is_taken_in(http: httpx.Client, agent: Agent) -> None:
    with ThreadPoolExecutor(1) as other:
        bringing = other.submit(sent, http, b"".join(many(3000)))
        until(lambda: bool(agent.imports()))
        assert Chat(http, "meanwhile").send("Hello")["status"] == "complete"
        assert not bringing.done()
        assert found(bringing.result(60))["new"] == 3000


# In a process of its own

LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="it asks Linux how much memory was used")


def memory(pid: int, what: str) -> int:
    """In bytes: VmRSS is what is used now, VmHWM the most that was since the last look."""
    about = Path(f"/proc/{pid}/status").read_text()
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(re.search(rf"{what}:\s*(\d+)", about)[1]) * 1024  # type: ignore[index]


@LINUX
def test_a_large_file_takes_no_more_memory_than_a_session_of_it(url: str) -> None:
    with served("api", url) as (client, process):
        when_up(client, "/health")
        found(sent(client, many(500, MEGABYTE // 25)))
        client.get("/v1/export")
        before = memory(process.pid, "VmRSS")
        assert found(sent(client, many(1500, MEGABYTE // 25)))["new"] == 1000
        assert memory(process.pid, "VmHWM") - before < 30 * MEGABYTE
        with client.stream("GET", "/v1/export") as file:
            assert sum(map(len, file.iter_bytes())) > 60 * MEGABYTE
        assert memory(process.pid, "VmHWM") - before < 30 * MEGABYTE


def allow(pid: int, size: int) -> None:
    """Let no file grow beyond so many bytes, as on a disk that is full."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@LINUX
def test_where_the_disk_has_no_room_for_a_file_it_is_said_and_nothing_is_left(url: str, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    with served("api", url, TMPDIR=str(spool)) as (client, process):
        when_up(client, "/health")
        for size in (0, 5 * MEGABYTE):
            allow(process.pid, size)
            assert "can't be put on the disk" in refused(sent(client, many(9, MEGABYTE)), 507)
        assert list(spool.iterdir()) == []
        assert found(sent(client, many(2, MEGABYTE)))["new"] == 2


@LINUX
def test_where_the_database_is_full_in_the_middle_it_is_said_what_came_in(url: str) -> None:
    with served("api", url) as (client, process):
        when_up(client, "/health")
        file = b"".join(many(3000))
        allow(process.pid, 2 * MEGABYTE)
        said = refused(sent(client, file), 503)
        assert re.search(r"\. Until then: [\d,]+ new sessions came in\.", said), said
        allow(process.pid, resource.RLIM_INFINITY)
        rest = found(sent(client, file))
        assert rest["new"] + rest["known"] == 3000
        assert rest["known"] > 0


def test_beside_the_page_too_a_file_that_is_not_whole_does_not_look_whole(url: str) -> None:
    with served("page", url) as (client, _):
        when_up(client, "/api/health")
        assert found(client.post("/api/v1/import", content=b"".join(many(2, 16 * MEGABYTE)), headers=FILE))["new"] == 2
        client.post("/api/v1/sessions", json={"session_id": "last"})
        query = {"session": ["s0", "s1", "last"]}
        with (
            httpx.Client(base_url=client.base_url, headers={"Accept-Encoding": "identity"}, timeout=30) as slow,
            slow.stream("GET", "/api/v1/export", params=query) as file,
        ):
            pieces = file.iter_bytes()
            next(pieces)
            client.delete("/api/v1/sessions/last")
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                list(pieces)
