"""The service around version 1: models, templates, health, figures, logs and the document of it all."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from agent import Agent
from tests.api_server import ApiServer
from tests.ollama_server import Fault, Model, OllamaServer, Script
from tests.test_api import Chat, found, refused

Make = Callable[..., Agent]
Serve = Callable[[Agent], ApiServer]


@pytest.fixture
def models(make_agent: Make, serve_api: Serve, ollama: OllamaServer) -> Iterator[httpx.Client]:
    """A client of a service with the pretended Ollama behind it."""
    with serve_api(make_agent(ollama_host=ollama.url)).client() as client:
        yield client


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_models_that_can_be_chosen_are_listed_with_what_is_known_of_them(models: httpx.Client) -> None:
    shown = found(models.get("/v1/models"))
    assert [model["name"] for model in shown["models"]] == ["ollama:llama3.2:3b", "echo"]
    assert (shown["models"][0]["size"], shown["models"][0]["most_context"]) == (2_000_000_000, 131_072)
    assert (shown["problem"], shown["ollama_version"]) == ("", "0.13.0")


def test_where_no_ollama_answers_the_list_says_what_to_do(http: httpx.Client) -> None:
    shown = found(http.get("/v1/models"))
    assert [model["name"] for model in shown["models"]] == ["echo"]
    assert "ollama serve" in shown["problem"]
    assert "ollama serve" in refused(http.post("/v1/models/load", json={"model": "llama3.2:3b"}), 503)
    assert "ollama serve" in refused(http.post("/v1/models/unload", json={"model": "llama3.2:3b"}), 503)


@pytest.mark.parametrize("name", ["ollama:llama3.2:3b", "llama3.2:3b"])
def test_a_model_is_loaded_and_unloaded_by_either_of_its_names(models: httpx.Client, script: Script, name: str) -> None:
    assert models.post("/v1/models/load", json={"model": name}).status_code == 204
    assert list(script.loaded) == ["llama3.2:3b"]
    until(lambda: bool(found(models.get("/v1/models"))["models"][0]["in_memory"]))
    assert models.post("/v1/models/unload", json={"model": name}).status_code == 204
    assert list(script.loaded) == []
    assert "mistral" in refused(models.post("/v1/models/load", json={"model": "mistral"}), 422)
    assert models.post("/v1/models/load", json={"model": "echo"}).status_code == 204


def test_a_pull_goes_on_in_the_background_and_is_looked_at_and_cancelled(models: httpx.Client, script: Script) -> None:
    script.pullable, script.pull_pause = {"mistral:7b": 4_000_000_000}, 0.1
    begun = models.post("/v1/models/pulls", json={"model": "mistral:7b"})
    assert (begun.status_code, begun.json()["model"], begun.json()["running"]) == (202, "mistral:7b", True)
    until(lambda: found(models.get("/v1/models/pulls"))[0]["done"] > 0)
    again = models.post("/v1/models/pulls", json={"model": "ollama:mistral:7b"}).json()
    assert again["total"] > again["done"] > 0
    assert models.delete("/v1/models/pulls", params={"model": "mistral:7b"}).status_code == 204
    until(lambda: found(models.get("/v1/models/pulls")) == [])
    assert models.delete("/v1/models/pulls", params={"model": "mistral:7b"}).status_code == 204


def test_a_pull_is_followed_as_events_to_its_end(models: httpx.Client, script: Script) -> None:
    script.pullable, script.pull_pause = {"mistral:7b": 1_000_000_000}, 0.05
    answer = models.post("/v1/models/pulls", json={"model": "mistral:7b"}, headers={"Accept": "text/event-stream"})
    names = re.findall("event: (.*)", answer.text)
    assert (answer.status_code, set(names[:-1]), names[-1]) == (202, {"progress"}, "end")
    until(lambda: "ollama:mistral:7b" in [model["name"] for model in found(models.get("/v1/models"))["models"]])


def test_a_pull_that_fails_ends_with_a_problem(models: httpx.Client, script: Script) -> None:
    script.pullable, script.fault = {"mistral:7b": 1_000_000_000}, Fault.PULL_BROKEN
    answer = models.post("/v1/models/pulls", json={"model": "mistral:7b"}, headers={"Accept": "text/event-stream"})
    last = json.loads(answer.text.rstrip().rpartition("data: ")[2])
    assert (last["status"], last["type"]) == (502, "urn:windowseat:model-failed")


def test_templates_are_made_read_changed_and_deleted(http: httpx.Client) -> None:
    given = {"name": "Guide", "system_prompt": "You know Lisbon.", "openings": ["Where to?"], "tags": ["travel"]}
    made = http.post("/v1/templates", json=given)
    assert (made.status_code, made.json() | given) == (201, made.json())
    assert "already" in refused(http.post("/v1/templates", json=given), 409)
    assert [template["name"] for template in found(http.get("/v1/templates", params={"tag": "travel"}))] == ["Guide"]
    changed = found(http.put("/v1/templates/Guide", json={"name": "Old guide", "window_turns": 3}))
    assert (changed["name"], changed["system_prompt"], changed["window_turns"]) == ("Old guide", "", 3)
    assert "There is no template “Guide”" in refused(http.get("/v1/templates/Guide"), 404)
    assert http.delete("/v1/templates/Old%20guide").status_code == 204
    assert refused(http.delete("/v1/templates/Old%20guide"), 404)


def test_a_template_may_have_a_slash_in_its_name_as_on_the_page(http: httpx.Client) -> None:
    assert http.post("/v1/templates", json={"name": "C/C++ review"}).status_code == 201
    for address in ("/v1/templates/C/C++%20review", "/v1/templates/C%2FC%2B%2B%20review"):
        assert found(http.get(address))["name"] == "C/C++ review"
    assert http.delete("/v1/templates/C/C++%20review").status_code == 204


def test_a_template_with_a_wrong_setting_is_refused_by_its_name(http: httpx.Client) -> None:
    for wrong in ({"parameters": {"temperature": 9}}, {"parameters": {"warmth": 1}}, {"window_turns": -1}):
        said = refused(http.post("/v1/templates", json={"name": "Guide", **wrong}), 422)
        assert re.search("temperature|warmth|window_turns", said)
    assert refused(http.get("/v1/templates/Guide"), 404)


def test_health_and_readiness_are_told_without_a_token(agent: Agent, http: httpx.Client) -> None:
    assert found(http.get("/health/ready"))["models"] == ["echo"]
    _, token = agent.access.create("ann")
    assert found(http.get("/health")) == {"status": "ok"}
    nothing_of_models = {"status": "ok", "database": "ok", "models": None, "problem": None}
    assert found(http.get("/health/ready")) == nothing_of_models
    ready = found(http.get("/health/ready", headers={"Authorization": f"Bearer {token}"}))
    assert ready["models"] == ["echo"]
    assert "No Ollama server answers" in ready["problem"]


def test_a_service_whose_agent_is_closed_is_not_ready(agent: Agent, http: httpx.Client) -> None:
    agent.close()
    answer = http.get("/health/ready")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert http.get("/health").status_code == 200


def figure(client: httpx.Client, name: str, **labels: str) -> float:
    """The value of one figure; 0 where nothing was counted yet."""
    wanted = "".join(f'(?=.*[{{,]{label}="{re.escape(value)}")' for label, value in labels.items())
    hit = re.search(rf"(?m)^{name}{wanted}\S* (\S+)$", client.get("/metrics").text)
    return float(hit[1]) if hit else 0.0


def test_the_figures_count_requests_replies_tokens_and_failures(models: httpx.Client, script: Script) -> None:
    chat = Chat(models)
    for _ in range(3):
        turn = chat.send("Hello there")
    script.fault = Fault.ERROR_FIRST
    given = {"prompt": "Hello", "model": "ollama:llama3.2:3b"}
    refused(models.post("/v1/sessions/lisbon/turns", json=given), 502)
    route = "/v1/sessions/{session_id}/turns"
    assert figure(models, "windowseat_requests_total", method="POST", route=route, status="201") == 3
    assert figure(models, "windowseat_requests_total", method="POST", route=route, status="502") == 1
    assert figure(models, "windowseat_request_seconds_count", route=route) == 4
    assert figure(models, "windowseat_replies_total", model="echo", status="complete") == 3
    assert figure(models, "windowseat_reply_failures_total", model="(none)") == 1
    assert figure(models, "windowseat_tokens_total", model="echo", direction="out") == 3 * turn["output_tokens"]
    assert figure(models, "windowseat_first_text_seconds_count", model="echo") == 3
    assert figure(models, "windowseat_running_replies") == 0


def test_the_figures_say_how_many_replies_run(make_agent: Make, serve_api: Serve) -> None:
    agent = make_agent(echo_words_per_second=10)
    with serve_api(agent).client() as client:
        running = [agent.conversation(name).start("word " * 100) for name in ("one", "two")]
        assert figure(client, "windowseat_running_replies") == 2
        for reply in running:
            reply.stop()
            reply.wait_for_end(5)
        assert figure(client, "windowseat_running_replies") == 0
        assert figure(client, "windowseat_replies_total", status="stopped") == 2


def test_what_strangers_write_in_addresses_is_not_in_the_figures(http: httpx.Client) -> None:
    http.get("/wp-admin/secret-word")
    http.get("/v1/sessions/secret-word")
    assert "secret-word" not in http.get("/metrics").text
    assert figure(http, "windowseat_requests_total", route="(none)", status="404") == 1


def test_the_log_has_a_line_a_request_without_what_was_said_asked_or_shown(
    make_agent: Make, serve_api: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    agent = make_agent()
    _, token = agent.access.create("ann")
    with serve_api(agent).client(token) as client:
        chat = Chat(client, "secret-name", system_prompt="secret-system", title="secret-title")
        chat.send("secret-prompt", data={"secret-key": "secret-data"})
        client.get("/v1/search", params={"q": "secret-search"})
        client.post("/v1/sessions", json={"secret-field": 1})
        client.get("/v1/sessions", headers={"Authorization": "Bearer secret-token"})
        answer = client.get("/v1/sessions/secret-name/turns/99")
    written = ""

    def read() -> bool:
        nonlocal written
        written += "".join(capfd.readouterr())
        return answer.headers["x-request-id"] in written and written.endswith("\n")

    until(read)  # The line comes after the answer.
    assert "secret" not in written
    assert token not in written
    lines = [json.loads(line) for line in written.splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == answer.headers["x-request-id"]]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/sessions/{session_id}/turns/{turn_id}", 404)
    assert (line["owner"], line["event"], line["level"]) == ("ann", "request", "info")
    assert 0 < line["seconds"] < 10
    assert len(lines) == 6
    assert len({line["request_id"] for line in lines}) == 6


def test_the_page_of_the_document_fetches_nothing_from_outside(http: httpx.Client) -> None:
    page = http.get("/docs")
    assert not re.search(r"https?:|[\"'(]//", page.text)
    assert "default-src 'self'" in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(files) == 3
    for file in files:
        answer = http.get(file)
        assert (answer.status_code, len(answer.content) > 100) == (200, True)
    assert "SwaggerUIBundle" in http.get("/docs/swagger-ui-bundle.js").text
    for name in ("none.js", "..%2F__init__.py", "redoc.standalone.js"):
        assert refused(http.get(f"/docs/{name}"), 404)


def test_the_document_tells_of_every_route_of_version_1_how_it_fails(http: httpx.Client) -> None:
    document = found(http.get("/openapi.json"))
    operations = [
        (path, said)
        for path, methods in document["paths"].items()
        for said in methods.values()
        if path.startswith("/v1/")
    ]
    assert len(operations) > 40
    for path, said in operations:
        for status in ("400", "401", "403", "404", "409", "413", "415", "422", "429", "502", "503", "504"):
            content = said["responses"][status]["content"]
            assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, path
        assert said["tags"]
        assert any(status.startswith("2") for status in said["responses"])
    assert document["components"]["schemas"]["Problem"]["properties"]["detail"]["type"] == "string"
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in json.dumps(document)


def test_each_operation_of_the_document_has_a_name_of_its_own(http: httpx.Client) -> None:
    paths: dict[str, Any] = found(http.get("/openapi.json"))["paths"]
    names = [said["operationId"] for methods in paths.values() for said in methods.values()]
    assert len(names) == len(set(names))


def test_an_address_or_method_that_is_none_is_a_problem_that_says_where_to_look(http: httpx.Client) -> None:
    assert "/docs" in refused(http.get("/v2/sessions"), 404)
    answer = http.put("/v1/sessions/lisbon/turns")
    assert "Allow" in refused(answer, 405)
    assert set(answer.headers["allow"].split(", ")) & {"GET", "POST"}


def test_a_model_that_thinks_says_what_it_can(models: httpx.Client, script: Script) -> None:
    script.models = {"qwen3:8b": Model(capabilities=("completion", "thinking"))}
    until(lambda: found(models.get("/v1/models"))["models"][0]["abilities"] == ["completion", "thinking"])
