"""Who is let in, to what, and what is refused at the door."""

import asyncio
import base64
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from agent import Agent
from api import make_service
from tests.api_server import ApiServer

Make = Callable[..., Agent]
Serve = Callable[[Agent], ApiServer]

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
JSON = {"Content-Type": "application/json"}


class Door:
    """A service with two owners, who come with a token each."""

    def __init__(self, agent: Agent, server: ApiServer) -> None:
        self.agent = agent
        self.server = server
        self.number, self.token = agent.access.create("ann")
        self.ann = server.client(self.token)
        self.bob = server.client(agent.access.create("bob")[1])


@pytest.fixture
def door(agent: Agent, serve_api: Serve) -> Iterator[Door]:
    door = Door(agent, serve_api(agent))
    with door.ann, door.bob:
        yield door


def basic(token: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'anybody:{token}'.encode()).decode()}"}


def problem(answer: httpx.Response, status: int) -> str:
    """The sentence of a problem document, once it was seen to be one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = answer.json()
    assert answer.status_code == said["status"] == status, said
    assert said["detail"].endswith((".", "OWNER")), said
    return str(said["detail"])


def test_a_token_opens_the_sessions_of_its_owner(door: Door) -> None:
    door.ann.post("/v1/sessions", json={"session_id": "diary"})
    assert door.ann.get("/v1/sessions/diary").status_code == 200
    assert door.agent.of("ann").find("diary").session.session_id == "diary"


def test_a_browser_may_send_a_token_as_a_password(door: Door) -> None:
    with door.server.client() as client:
        assert client.get("/v1/sessions", headers=basic(door.token)).status_code == 200
        assert client.get("/docs", headers=basic(door.token)).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        b"Bearer windowseat_wrong",
        b"Bearer \xe9",
        b"Basic !!!",
        b"Basic \xe9",
        b"Basic /w==",
        b"Digest x",
        b"Basic " + base64.b64encode(b"windowseat_wrong"),
    ],
)
def test_what_is_no_token_opens_nothing(door: Door, authorization: bytes) -> None:
    with door.server.client() as client:
        answer = client.get("/v1/sessions", headers=[(b"Authorization", authorization)])
        assert "token" in problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_where_there_are_tokens_nobody_comes_without_one_and_is_told_how_to_get_one(door: Door) -> None:
    with door.server.client() as client:
        assert "python -m api token create" in problem(client.get("/v1/sessions"), 401)
        assert "python -m api token create" in problem(client.get("/metrics"), 401)
        assert problem(client.get("/openapi.json"), 401)
        assert client.get("/docs").headers["www-authenticate"].startswith("Basic")
        assert client.get("/health").json() == {"status": "ok"}


def test_a_token_that_was_revoked_opens_nothing(door: Door) -> None:
    assert door.ann.get("/v1/sessions").status_code == 200
    door.agent.access.revoke(door.number)
    assert "revoked" in problem(door.ann.get("/v1/sessions"), 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "10.0.0.7"},
        {"X-Real-IP": "10.0.0.7"},
        {"Forwarded": "for=10.0.0.7"},
        {"X-Forwarded-For": ""},
    ],
)
def test_without_tokens_nobody_comes_through_a_proxy(http: httpx.Client, headers: dict[str, str]) -> None:
    assert http.get("/v1/sessions").status_code == 200
    assert "only this machine is served" in problem(http.get("/v1/sessions", headers=headers), 403)


@pytest.mark.parametrize("client", [("192.0.2.7", 5000), ("::ffff:192.0.2.7", 5000), ("testclient", 1), None])
def test_without_tokens_no_other_machine_is_served(agent: Agent, client: tuple[str, int] | None) -> None:
    """Asked as a server does, which says where a request comes from: no other machine is at hand."""
    answer = asyncio.run(_ask(agent, client))
    assert answer == 403


async def _ask(agent: Agent, client: tuple[str, int] | None) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/sessions",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": client,
        "http_version": "1.1",
        "scheme": "http",
    }
    await make_service(lambda: agent, agent.settings)(scope, receive, send)
    return int(sent[0]["status"])


def test_a_name_in_the_list_is_served_to_who_has_a_token_only(make_agent: Make, serve_api: Serve) -> None:
    agent = make_agent(hosts="chat.example, other.example")
    with serve_api(agent).client() as client:
        named = {"Host": "Chat.example:8000"}
        assert "only this machine" in problem(client.get("/v1/sessions", headers=named), 403)
        _, token = agent.access.create("ann")
        assert client.get("/v1/sessions", headers=named | basic(token)).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[", "", "x@y"]
)
def test_a_host_name_outside_the_list_is_refused_whatever_is_asked(http: httpx.Client, host: str) -> None:
    for path in ("/v1/sessions", "/health", "/docs", "/nothing"):
        answer = http.get(path, headers={"Host": host})
        assert "WINDOWSEAT_HOSTS" in problem(answer, 403)
        assert SECURITY.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8000", "LOCALHOST:8000"])
def test_this_machine_is_served_by_all_its_names(http: httpx.Client, host: str) -> None:
    assert http.get("/v1/sessions", headers={"Host": host}).status_code == 200


def test_a_web_socket_to_another_host_name_is_closed(agent: Agent) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/v1/sessions", "headers": [(b"host", b"evil.example")], "query_string": b""}
    asyncio.run(_run(make_service(lambda: agent, agent.settings), scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def _run(app: Any, *given: Any) -> None:
    await app(*given)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_server_changes_nothing(http: httpx.Client, headers: dict[str, str]) -> None:
    answer = http.post("/v1/sessions", json={"session_id": "theirs"}, headers=headers)
    assert "Only pages of this server" in problem(answer, 403)
    assert http.get("/v1/sessions/theirs").status_code == 404
    assert problem(http.delete("/v1/sessions/theirs", headers=headers), 403)


def test_a_page_of_this_server_may_change_things(http: httpx.Client) -> None:
    ours = {"Origin": str(http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert http.post("/v1/sessions", json={}, headers=ours).status_code == 201
    assert http.post("/v1/sessions", json={}, headers={"Sec-Fetch-Site": "none"}).status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_json_is_refused(http: httpx.Client, kind: str) -> None:
    answer = http.post("/v1/sessions", content='{"session_id": "form"}', headers={"Content-Type": kind})
    assert "Content-Type: application/json" in problem(answer, 415)
    assert http.get("/v1/sessions/form").status_code == 404


def test_a_body_that_is_too_large_is_refused_whether_its_length_was_said_or_not(
    make_agent: Make, serve_api: Serve
) -> None:
    with serve_api(make_agent(body_limit=10_000)).client() as client:
        body = json.dumps({"prompt": "x" * 20_000}).encode()
        client.post("/v1/sessions", json={"session_id": "lisbon"})
        said = client.post("/v1/sessions/lisbon/turns", content=body, headers=JSON)
        assert "at most 10,000 bytes" in problem(said, 413)
        chunks = (body[start : start + 1000] for start in range(0, len(body), 1000))
        unsaid = client.post("/v1/sessions/lisbon/turns", content=chunks, headers=JSON)
        assert "at most 10,000 bytes" in problem(unsaid, 413)
        assert client.get("/v1/sessions/lisbon").json()["turn_count"] == 0


DEEP = "[" * 100_000 + "]" * 100_000
DEEP_ENOUGH = "[" * 300 + "]" * 300


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (DEEP, 400),
        (f'{{"a": {DEEP_ENOUGH}}}', 422),
        ('{"a": NaN}', 422),
        ('{"a": -Infinity}', 422),
        ('{"a": 1e999}', 422),
        ('{"a": %s}' % ("9" * 5000), 400),
        (r'{"a": "\ud800"}', 422),
        (r'{"\udc00": 1}', 422),
        ('{"a": ', 400),
        ("[]", 422),
        ("\xff", 400),
    ],
)
def test_what_could_not_be_given_back_is_not_taken(http: httpx.Client, data: str, status: int) -> None:
    http.post("/v1/sessions", json={"session_id": "lisbon"})
    body = f'{{"prompt": "Hello", "data": {data}}}'.encode("latin-1")
    problem(http.post("/v1/sessions/lisbon/turns", content=body, headers=JSON), status)
    assert http.get("/v1/sessions/lisbon/turns").json()["turns"] == []


@pytest.mark.parametrize("data", [{"a": 10**400}, {"a": "\0"}, {"a": [[[{"b": None}]]]}, {"ä": "\u2028 𝄞"}])
def test_what_is_kept_with_a_turn_comes_back_as_it_was(http: httpx.Client, data: dict[str, Any]) -> None:
    http.post("/v1/sessions", json={"session_id": "lisbon"})
    sent = http.post("/v1/sessions/lisbon/turns", json={"prompt": "Hello", "data": data})
    assert sent.json()["data"] == data
    assert http.get("/v1/sessions/lisbon/turns").json()["turns"][0]["data"] == data


NO_TEXT = (r'"a\u0000b"', r'"\ud800"', "1")


@pytest.mark.parametrize("field", ["title", "system_prompt", "summary", "tags", "model", "parameters"])
def test_a_text_that_is_none_is_refused_and_changes_nothing_beside_it_either(http: httpx.Client, field: str) -> None:
    http.post("/v1/sessions", json={"session_id": "lisbon", "title": "Before"})
    before = http.get("/v1/sessions/lisbon").json()
    more = {"title": ['""', '"  "'], "tags": ['["a\\u0000"]', '[" "]', '["%s"]' % ("x" * 41)]}
    for wrong in (*NO_TEXT, *more.get(field, ())):
        body = f'{{"pinned": true, "window_turns": 3, "{field}": {wrong}}}'
        problem(http.patch("/v1/sessions/lisbon", content=body, headers=JSON), 422)
        assert http.get("/v1/sessions/lisbon").json() == before


def test_a_session_that_is_refused_is_not_there_afterwards(http: httpx.Client) -> None:
    for wrong in (*NO_TEXT, '"a/b"', '" a"', '"' + "x" * 201 + '"'):
        problem(http.post("/v1/sessions", content=f'{{"session_id": {wrong}}}', headers=JSON), 422)
    given = {"session_id": "lisbon", "title": "Lisbon", "parameters": {"temperature": 99}}
    assert "temperature is 99" in problem(http.post("/v1/sessions", json=given), 422)
    assert problem(http.post("/v1/sessions", json={"session_id": "lisbon", "template": "none"}), 404)
    assert http.get("/v1/sessions").json()["sessions"] == []
    assert http.post("/v1/sessions", json=given | {"parameters": {}}).status_code == 201


def test_a_prompt_that_is_none_opens_no_turn(http: httpx.Client) -> None:
    http.post("/v1/sessions", json={"session_id": "lisbon"})
    for wrong in (*NO_TEXT, "null", '""', '"  "', '"' + "x" * 100_001 + '"'):
        sent = http.post("/v1/sessions/lisbon/turns", content=f'{{"prompt": {wrong}}}', headers=JSON)
        problem(sent, 422)
    assert http.get("/v1/sessions/lisbon").json()["message_count"] == 0


def test_of_a_field_that_comes_twice_the_last_counts(http: httpx.Client) -> None:
    answer = http.post("/v1/sessions", content='{"title": "one", "title": "two"}', headers=JSON)
    assert answer.json()["title"] == "two"


def test_a_field_that_does_not_exist_is_refused_by_its_name(http: httpx.Client) -> None:
    assert problem(http.post("/v1/sessions", json={"sesion_id": "x"}), 422).startswith("sesion_id: ")
    said = problem(http.post("/v1/sessions", json={"x" * 50_000: 1}), 422)
    assert len(said) < 200


def test_a_token_may_come_only_so_often(make_agent: Make, serve_api: Serve) -> None:
    agent = make_agent(requests_per_minute=5)
    server = serve_api(agent)
    (_, ann), (_, bob) = agent.access.create("ann"), agent.access.create("bob")
    with server.client(ann) as first, server.client(bob) as second:
        answers = [first.get("/v1/sessions") for _ in range(8)]
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        assert "5 requests in a minute" in problem(answers[-1], 429)
        assert int(answers[-1].headers["retry-after"]) > 0
        assert second.get("/v1/sessions").status_code == 200


def test_every_kind_of_answer_carries_the_headers_that_keep_browsers_safe(http: httpx.Client) -> None:
    http.post("/v1/sessions", json={"session_id": "lisbon"})
    events = {"Accept": "text/event-stream"}
    answers = [
        http.get("/v1/sessions"),
        http.post("/v1/sessions/lisbon/turns", json={"prompt": "Hello"}, headers=events),
        http.get("/v1/sessions/none"),
        http.get("/nothing"),
        http.put("/v1/sessions"),
        http.request("TRACE", "/v1/sessions"),
        http.post("/v1/sessions", content="{", headers=JSON),
        http.post("/v1/sessions", content="a=b"),
        http.post("/v1/sessions", json={}, headers={"Origin": "http://evil.example"}),
        http.get("/v1/sessions", headers={"Host": "evil.example"}),
        http.get("/v1/sessions", headers={"Authorization": "Bearer no"}),
        http.delete("/v1/sessions/lisbon"),
        http.get("/docs"),
        http.get("/docs/swagger-ui.css"),
        http.get("/metrics"),
        http.get("/v1/sessions/"),
    ]
    for answer in answers:
        assert SECURITY.items() <= dict(answer.headers).items(), answer.url
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers["x-request-id"]) == 32
    assert {answer.status_code for answer in answers} >= {200, 201, 204, 400, 401, 403, 404, 405, 415}


def test_a_mistake_of_ours_is_a_problem_too_and_breaks_no_connection(
    agent: Agent, capfd: pytest.CaptureFixture[str]
) -> None:
    class Mistaken(Agent):
        def of(self, owner: str) -> Agent:
            raise ZeroDivisionError(owner)

    with Mistaken(agent.settings) as mistaken, ApiServer(mistaken) as server, server.client() as client:
        for _ in range(3):
            answer = client.get("/v1/sessions")
            assert "mistake in Windowseat" in problem(answer, 500)
            assert SECURITY.items() <= dict(answer.headers).items()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (mistake, *_) = [line for line in lines if line["event"] == "mistake"]
    assert "ZeroDivisionError" in mistake["exception"]


def test_the_service_is_reached_under_api_too(http: httpx.Client) -> None:
    assert http.get("/api/v1/sessions").json() == {"sessions": [], "after": None}
    assert http.get("/api/openapi.json").json()["servers"] == [{"url": "/api"}]
    assert "url: '/api/openapi.json'" in http.get("/api/docs").text
    assert problem(http.get("/apiv1/sessions"), 404)


def test_what_is_no_http_at_all_is_refused(http: httpx.Client) -> None:
    port = http.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(b"GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")
        assert raw.recv(100).split()[1] in {b"400", b"413"}
    assert http.get("/health").status_code == 200


BODIES: dict[str, Any] = {
    "turns": {"prompt": "Hello"},
    "edit": {"prompt": "Hello"},
    "preview": {"prompt": "Hello"},
    "waiting": {"prompt": "Hello"},
    "rating": {"rating": 1},
    "mark": {"mark": "pinned"},
    "templates": {"name": "Stolen"},
}
"""What a route wants, by the end of its address; where nothing is said, nothing is wanted."""

OWNED = {"session_id", "turn_id", "waiting_id", "name"}


def test_names_and_numbers_of_another_owner_lead_nowhere_on_any_route(door: Door) -> None:
    chat = door.agent.of("ann").conversation("diary")
    turn = chat.send("A secret")
    door.ann.post("/v1/templates", json={"name": "Mine"})
    bobs = door.agent.of("bob").conversation("bobs")
    names = {"session_id": "diary", "turn_id": turn.turn_id, "waiting_id": 1, "name": "Mine", "place": 0}
    before = chat.session, chat.turns(10), door.ann.get("/v1/templates").json()
    tried = 0
    for method, path in owned_routes(door.ann):
        body = BODIES.get("templates" if "templates" in path else path.rpartition("/")[2], {})
        sessions = ("diary", "bobs") if "{turn_id}" in path or "{waiting_id}" in path else ("diary",)
        for session in sessions:
            address = path.format_map(names | {"session_id": session})
            answer = door.bob.request(method, address, json=body if method not in {"GET", "DELETE"} else None)
            assert answer.status_code == 404, f"{method} {address}: {answer.status_code} {answer.text}"
            assert "secret" not in answer.text
            tried += 1
    assert tried > 45
    assert (chat.session, chat.turns(10), door.ann.get("/v1/templates").json()) == before
    assert bobs.session.message_count == 0


def owned_routes(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Those that name something in their address, the deleting ones last."""
    paths = client.get("/openapi.json").json()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    named = [route for route in found if any(f"{{{name}}}" in route[1] for name in OWNED)]
    yield from sorted(named, key=lambda route: route[0] == "DELETE")


def test_lists_searches_and_figures_show_nothing_of_another_owner(door: Door) -> None:
    door.agent.of("ann").conversation("diary").send("A secret")
    for path in (
        "/v1/sessions",
        "/v1/sessions/active",
        "/v1/turns/recent",
        "/v1/search?q=secret",
        "/v1/cleanup?days=1",
    ):
        assert "diary" not in door.bob.get(path).text
    assert door.bob.get("/v1/sessions/current").json() is None
    assert door.bob.get("/v1/stats").json()["totals"]["turns"] == 0
    assert problem(door.bob.get("/v1/stats?session=diary"), 404)
    assert problem(door.bob.get("/v1/search?q=secret&session=diary"), 404)
    assert door.bob.post("/v1/sessions/delete", json={"session_ids": ["diary"]}).json()["sessions"] == 0
    assert door.agent.of("ann").find("diary").session.message_count == 2


def test_beside_and_fork_take_no_turn_of_another_owner(door: Door) -> None:
    turn = door.agent.of("ann").conversation("diary").send("A secret").turn_id
    door.bob.post("/v1/sessions", json={"session_id": "bobs"})
    assert problem(door.bob.post("/v1/sessions/bobs/turns", json={"prompt": "And?", "beside": turn}), 404)
    assert problem(door.bob.post("/v1/sessions/bobs/fork", json={"turn_id": turn}), 404)
    assert door.bob.get("/v1/sessions/bobs").json()["message_count"] == 0
    assert len(door.bob.get("/v1/sessions").json()["sessions"]) == 1


def test_a_stranger_is_refused_before_the_body_is_read(agent: Agent, http: httpx.Client) -> None:
    agent.access.create("ann")
    port = http.base_url.port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 30000000\r\n\r\n".encode())
        assert b" 401 " in connection.recv(1000)  # Not a byte of the body was sent.


def test_who_sends_without_a_token_is_answered_as_who_asks_without_one(agent: Agent, http: httpx.Client) -> None:
    agent.access.create("ann")
    asked, sent = http.get("/v1/sessions"), http.post("/v1/sessions", json={"session_id": "one"})
    assert (sent.status_code, sent.json()) == (401, asked.json())
    assert sent.headers["www-authenticate"] == asked.headers["www-authenticate"] == "Bearer"
    earlier = http.post("/chat", json={"session_id": "one", "message": "Hello"})
    assert (earlier.status_code, list(earlier.json())) == (401, ["detail"])
