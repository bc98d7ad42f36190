"""The pretended Ollama, asked by Ollama's own client and by plain HTTP: it answers as the real one does."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from ollama import Client, ResponseError

from tests.ollama_server import Fault, Model, OllamaServer, Script, tokens_of

NAME = "llama3.2:3b"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(ollama: OllamaServer) -> Iterator[Client]:
    client = Client(host=ollama.url, timeout=10)
    yield client
    client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def http(ollama: OllamaServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=ollama.url, timeout=10) as http:
        yield http


def lines_of(http: httpx.Client, **request: Any) -> list[dict[str, Any]]:
    answer = http.post("/api/chat", json={"model": NAME, "messages": HELLO} | request)
    return [json.loads(line) for line in answer.text.splitlines()]


def soon(happened: Callable[[], object], within: float = 2) -> bool:
    end = time.monotonic() + within
    while not happened() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(happened())


def hang_up(url: str, path: str, request: dict[str, Any], seconds: float) -> float:
    """Ask, hang up after that time without a sign of an answer, and say when."""
    with httpx.Client(base_url=url, timeout=seconds) as http, pytest.raises(httpx.ReadTimeout):
        http.post(path, json=request)
    return time.monotonic()


class TestTokens:
    """Tokens are counted by letters, digits, marks, messages and images."""

    @pytest.mark.parametrize(
        ("text", "tokens"), [("", 6), ("Lisbon", 8), ("in 1999", 11), ("no, no!", 10), ("日本", 8), ("a\n b", 8)]
    )
    def test_a_text_has_as_many_as_its_parts(self, text: str, tokens: int) -> None:
        assert tokens_of([{"role": "user", "content": text}]) == tokens

    def test_density_rounds_up_and_leaves_images_alone(self) -> None:
        message = {"role": "user", "content": "Hello", "images": ["aGk=", "aGk="]}
        assert Script(density=1.3, image_tokens=100).tokens_of([message]) == 11 + 200

    def test_the_last_line_counts_what_was_used_and_what_was_sent(self, client: Client, script: Script) -> None:
        script.models[NAME] = Model(capabilities=("completion", "thinking"))
        script.thoughts = ("Well ", "then.")
        answer = client.chat(NAME, HELLO)
        assert (answer.prompt_eval_count, answer.eval_count) == (tokens_of(HELLO), 7)


class TestContext:
    """The context is what the request asks for, within what model and server have."""

    def test_a_model_is_loaded_once_for_each_change_of_its_context(self, client: Client, script: Script) -> None:
        for asked in (None, 4096, 8192, 8192, None):
            client.chat(NAME, HELLO, options={"num_ctx": asked} if asked else None)
        assert script.loads == [(NAME, 4096), (NAME, 8192), (NAME, 4096)]
        assert script.loaded == {NAME: 4096}

    def test_a_model_marked_as_loaded_is_not_loaded_again(self, client: Client, script: Script) -> None:
        script.loaded[NAME] = 4096
        client.chat(NAME, HELLO)
        assert script.loads == []

    def test_its_modelfile_says_the_context_where_the_request_does_not(self, client: Client, script: Script) -> None:
        script.models[NAME] = Model(
            parameters='stop                           "<|eot|>"\nnum_ctx                  16384'
        )
        client.chat(NAME, HELLO)
        client.chat(NAME, HELLO, options={"num_ctx": 2048})
        assert [context for _, context in script.loads] == [16384, 2048]

    @pytest.mark.parametrize(("most", "got"), [(None, 8192), (3000, 3000)])
    def test_model_and_server_set_its_bounds(self, client: Client, script: Script, most: int | None, got: int) -> None:
        script.models[NAME] = Model(context_length=8192)
        script.most_context = most
        client.chat(NAME, HELLO, options={"num_ctx": 100_000})
        loaded = client.ps().models[0]
        assert (loaded.model, loaded.context_length) == (NAME, got)
        assert loaded.size_vram
        assert loaded.expires_at is not None
        assert timedelta(minutes=4) < loaded.expires_at - datetime.now(UTC) < timedelta(minutes=6)

    def test_what_does_not_fit_is_dropped_from_the_front(self, script: Script) -> None:
        system = {"role": "system", "content": "Be brief"}
        talk = [{"role": "user", "content": f"Question {number}"} for number in range(8)]
        context = tokens_of([system, *talk[-3:]])
        assert script.fit([system, *talk], context) == [system, *talk[-3:]]
        assert script.fit([system, *talk], 10) == [system, talk[-1]]
        assert script.fit(talk[:2], context) == talk[:2]
        asked = tokens_of([system, *talk])
        assert script.cuts == [(asked, context), (asked, 10)]

    def test_the_cut_is_silent_and_seen_only_in_the_count(self, client: Client, script: Script) -> None:
        long = [{"role": "user", "content": "word " * 30}, *HELLO]
        answer = client.chat(NAME, long, options={"num_ctx": 20})
        assert answer.message.content == "Lisbon is lovely in May."
        assert answer.prompt_eval_count == tokens_of(HELLO)
        assert script.cuts == [(tokens_of(long), 20)]
        assert client.chat(NAME, long[:1], options={"num_ctx": 20}).prompt_eval_count == 20

    @pytest.mark.parametrize(
        ("most", "text", "reason"), [(2, "Lisbon is ", "length"), (5, "", "length"), (-1, "", "stop"), (6, "", "stop")]
    )
    def test_num_predict_ends_the_answer(self, client: Client, most: int, text: str, reason: str) -> None:
        answer = client.chat(NAME, HELLO, options={"num_predict": most})
        assert answer.message.content == (text or "Lisbon is lovely in May.")
        assert answer.done_reason == reason

    def test_a_chat_with_another_context_waits_for_the_first_to_end(self, client: Client, script: Script) -> None:
        script.pause = 1
        answer = client.chat(NAME, HELLO, stream=True)
        next(answer)
        with ThreadPoolExecutor(1) as threads:
            other = threads.submit(client.chat, NAME, HELLO, options={"num_ctx": 64})
            time.sleep(0.2)  # There are seconds yet until the first has ended.
            assert (script.loads, other.done()) == ([(NAME, 4096)], False)
            script.pause = 0
            assert [part.done for part in answer][-1]
            assert other.result().done
        assert script.loads[1:] == [(NAME, 64)]


class TestThinking:
    """Models that can think do so unless told not to."""

    @pytest.fixture(autouse=True)
    def thinker(self, script: Script) -> None:
        script.models["thinker"] = Model(capabilities=("completion", "thinking"))
        script.thoughts = ("Hm, ", "May.")

    @pytest.mark.parametrize("think", [None, True, "low"])
    def test_thoughts_come_before_the_words(self, http: httpx.Client, script: Script, think: object) -> None:
        messages = [line["message"] for line in lines_of(http, model="thinker", think=think)]
        assert messages[:2] == [{"role": "assistant", "content": "", "thinking": word} for word in script.thoughts]
        assert messages[2] == {"role": "assistant", "content": "Lisbon "}
        assert "".join(message["content"] for message in messages) == "Lisbon is lovely in May."

    def test_think_false_leaves_them_out(self, client: Client) -> None:
        answer = client.chat("thinker", HELLO, think=False)
        assert (answer.message.thinking, answer.eval_count) == (None, 5)

    def test_they_count_for_num_predict(self, client: Client) -> None:
        answer = client.chat("thinker", HELLO, options={"num_predict": 3})
        assert (answer.message.thinking, answer.message.content) == ("Hm, May.", "Lisbon ")

    def test_a_model_that_cannot_refuses(self, client: Client) -> None:
        assert client.chat(NAME, HELLO, think=False).message.thinking is None
        with pytest.raises(ResponseError, match=f'"{NAME}" does not support thinking') as refused:
            client.chat(NAME, HELLO, think=True)
        assert refused.value.status_code == 400


class TestImages:
    """Only a model that can see takes images."""

    seen = ({"role": "user", "content": "What is it?", "images": ["aGk="]},)

    def test_they_count_as_tokens(self, client: Client, script: Script) -> None:
        script.models[NAME] = Model(capabilities=("completion", "vision"))
        assert client.chat(NAME, self.seen).prompt_eval_count == script.tokens_of(self.seen) > 600

    def test_a_model_that_cannot_see_refuses(self, client: Client, script: Script) -> None:
        with pytest.raises(ResponseError, match="missing data required for image input") as refused:
            client.chat(NAME, self.seen)
        assert refused.value.status_code == 400
        script.models[NAME] = Model(capabilities=None)
        assert client.chat(NAME, self.seen).done

    def test_what_is_not_base64_is_refused(self, http: httpx.Client) -> None:
        answer = http.post("/api/chat", json={"model": NAME, "messages": [{**HELLO[0], "images": ["data:image/png"]}]})
        assert (answer.status_code, answer.json()["error"]) == (400, "illegal base64 data at input byte 4")


class TestMemory:
    """Requests without messages load and unload; keep_alive says for how long."""

    def test_chat_without_messages_loads_and_unloads(self, client: Client, script: Script) -> None:
        loaded = client.chat(NAME, [], keep_alive=-1, options={"num_ctx": 512})
        assert (loaded.done, loaded.done_reason, loaded.message.content) == (True, "load", "")
        assert script.loads == [(NAME, 512)]
        expires = client.ps().models[0].expires_at
        assert expires is not None
        assert expires.year > 2300
        assert [part.done_reason for part in client.chat(NAME, keep_alive=0, stream=True)] == ["unload"]
        assert script.loaded == {}
        assert script.chats == []
        assert [control["keep_alive"] for control in script.controls] == [-1, 0]

    def test_generate_does_the_same(self, client: Client, script: Script) -> None:
        loaded = client.generate(NAME)
        assert (loaded.done_reason, loaded.response) == ("load", "")
        assert NAME in script.loaded
        assert client.generate(NAME, keep_alive=0).done_reason == "unload"
        assert NAME not in script.loaded

    def test_a_model_leaves_when_its_time_is_up(self, client: Client, script: Script) -> None:
        client.chat(NAME, HELLO, keep_alive="100ms")
        assert client.ps().models
        assert soon(lambda: not client.ps().models)
        client.chat(NAME, HELLO, keep_alive=0)
        assert soon(lambda: not script.loaded)
        assert script.chats[-1]["keep_alive"] == 0

    def test_a_time_without_a_unit_is_refused(self, client: Client) -> None:
        with pytest.raises(ResponseError, match='time: missing unit in duration "300"'):
            client.chat(NAME, HELLO, keep_alive="300")

    @pytest.mark.parametrize("listed", [False, True])
    def test_while_it_loads_it_is_listed_if_the_script_says_so(
        self, client: Client, script: Script, *, listed: bool
    ) -> None:
        script.loading, script.lists_loading = 0.3, listed
        with ThreadPoolExecutor(1) as threads:
            loading = threads.submit(client.generate, NAME)
            assert soon(lambda: script.controls)
            time.sleep(0.05)
            assert bool(client.ps().models) is listed
            assert loading.result().done
        assert script.ps_count == 1

    def test_chats_that_come_while_it_loads_share_the_load(self, client: Client, script: Script) -> None:
        script.loading = 0.2
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: client.chat(NAME, HELLO), range(4)))
        assert all(answer.done for answer in answers)
        assert script.loads == [(NAME, 4096)]


class TestAnswers:
    """One answer, as lines or whole."""

    def test_without_streaming_it_comes_whole(self, http: httpx.Client, script: Script) -> None:
        script.models[NAME] = Model(capabilities=("completion", "thinking"))
        script.thoughts = ("Hm.",)
        answer = http.post("/api/chat", json={"model": NAME, "messages": HELLO, "stream": False}).json()
        assert answer["message"] == {"role": "assistant", "content": "Lisbon is lovely in May.", "thinking": "Hm."}
        assert (answer["done"], answer["done_reason"]) == (True, "stop")
        assert (answer["prompt_eval_count"], answer["eval_count"]) == (tokens_of(HELLO), 6)

    def test_headers_wait_for_the_first_word(self, http: httpx.Client, script: Script) -> None:
        script.pause = 0.2
        began = time.monotonic()
        with http.stream("POST", "/api/chat", json={"model": NAME, "messages": HELLO}):
            assert time.monotonic() - began > 0.15

    def test_thirty_come_at_once(self, ollama: OllamaServer, script: Script) -> None:
        script.pause = 0.05
        began = time.monotonic()
        with httpx.Client(base_url=ollama.url, timeout=10) as http, ThreadPoolExecutor(30) as threads:
            answers = list(threads.map(lambda _: lines_of(http), range(30)))
        assert all(answer[-1]["done"] for answer in answers)
        assert len(script.chats) == 30
        assert script.hang_ups == []
        assert time.monotonic() - began < 3


class TestModels:
    """What the server says of its models."""

    def test_show_says_what_a_model_is(self, client: Client, script: Script) -> None:
        parameters = 'num_ctx                        16384\nstop                           "<|eot|>"'
        script.models["seer"] = Model(
            architecture="gemma3", context_length=8192, capabilities=("completion", "vision"), parameters=parameters
        )
        shown = client.show("Seer:latest")
        assert shown.modelinfo == {"general.architecture": "gemma3", "gemma3.context_length": 8192}
        assert (shown.capabilities, shown.parameters) == (["completion", "vision"], parameters)
        assert shown.details is not None
        assert (shown.details.family, shown.modified_at) == ("gemma3", script.models["seer"].modified_at)
        assert shown.template
        assert shown.modelfile
        assert script.shows == ["Seer:latest"]

    def test_an_old_server_names_no_capabilities(self, http: httpx.Client, script: Script) -> None:
        script.models[NAME] = Model(capabilities=None)
        assert "capabilities" not in http.post("/api/show", json={"model": NAME}).json()

    def test_a_name_without_a_tag_means_the_latest(self, client: Client, script: Script) -> None:
        script.models = {"mistral": Model(), "phi:latest": Model()}
        for name in ("mistral", "mistral:latest", "phi"):
            assert client.show(name).details is not None
            assert client.chat(name, HELLO).model == name
        assert sorted(model.model or "" for model in client.list().models) == ["mistral:latest", "phi:latest"]
        assert {model.model for model in client.ps().models} == {"mistral:latest", "phi:latest"}
        assert set(script.loaded) == {"mistral", "phi:latest"}

    @pytest.mark.parametrize("ask", [Client.show, Client.delete, Client.generate, Client.chat])
    def test_a_model_that_is_not_there_is_a_404(self, client: Client, ask: Callable[..., object]) -> None:
        with pytest.raises(ResponseError, match="model 'mistral' not found") as refused:
            ask(client, "mistral")
        assert refused.value.status_code == 404

    def test_a_model_that_only_embeds_does_not_chat(self, client: Client, script: Script) -> None:
        script.models["embedder"] = Model(capabilities=("embedding",))
        with pytest.raises(ResponseError, match='"embedder" does not support chat'):
            client.chat("embedder", HELLO)

    def test_a_deleted_model_is_gone(self, client: Client, script: Script) -> None:
        client.chat(NAME, HELLO)
        assert client.delete(NAME).status == "success"
        assert (script.models, script.loaded) == ({}, {})
        assert not client.list().models


class TestPull:
    """Downloads say how far they are, and go on where they stopped."""

    @pytest.fixture(autouse=True)
    def phi(self, script: Script) -> None:
        script.pullable = {"phi:latest": 1000}
        script.pull_step = 300

    def test_it_says_how_far_it_is(self, client: Client, script: Script) -> None:
        lines = list(client.pull("phi", stream=True))
        said = [line.status or "" for line in lines]
        assert said[0] == "pulling manifest"
        assert said[-3:] == ["verifying sha256 digest", "writing manifest", "success"]
        layers = [(line.completed, line.total) for line in lines if line.total]
        assert layers == [(None, 900), (300, 900), (600, 900), (900, 900), (None, 100), (100, 100)]
        assert (lines[1].digest or "").startswith("sha256:" + said[1].removeprefix("pulling "))
        assert script.models["phi:latest"].size == 1000
        assert client.chat("phi", HELLO).done

    def test_whole_it_is_one_line(self, http: httpx.Client) -> None:
        answer = http.post("/api/pull", json={"model": "phi", "stream": False})
        assert (answer.status_code, answer.json()) == (200, {"status": "success"})

    def test_after_a_hang_up_it_goes_on_there(self, client: Client, script: Script) -> None:
        script.pull_pause = 0.1
        pull = client.pull("phi", stream=True)
        while next(pull).completed != 300:
            pass
        pull.close()  # type: ignore[attr-defined]
        closed = time.monotonic()
        assert soon(lambda: script.pull_hang_ups)
        assert script.pull_hang_ups[0] - closed < 0.3
        assert (script.downloaded, script.hang_ups) == ({"phi:latest": 300}, [])
        assert "phi:latest" not in script.models

        script.pull_pause = 0
        assert [line.completed for line in client.pull("phi", stream=True)][1] == 300
        assert "phi:latest" in script.models

    def test_it_breaks_halfway(self, client: Client, script: Script) -> None:
        script.fault = Fault.PULL_BROKEN
        with pytest.raises(ResponseError, match="max retries exceeded: EOF"):
            list(client.pull("phi", stream=True))
        assert script.downloaded == {"phi:latest": 600}
        script.fault = None
        assert client.pull("phi").status == "success"

    def test_a_name_that_nobody_has_is_an_error_in_the_stream(self, http: httpx.Client) -> None:
        answer = http.post("/api/pull", json={"model": "phj"})
        assert answer.status_code == 200
        assert [json.loads(line) for line in answer.text.splitlines()] == [
            {"status": "pulling manifest"},
            {"error": "pull model manifest: file does not exist"},
        ]


class TestFaults:
    """What goes wrong does so as with the real one."""

    @pytest.mark.parametrize(
        ("fault", "status", "error"),
        [
            (Fault.ERROR_FIRST, 500, "llama runner process has terminated"),
            (Fault.BUSY, 503, "server busy"),
            (Fault.MEMORY, 500, "model requires more system memory"),
        ],
    )
    def test_instead_of_an_answer(self, client: Client, script: Script, fault: Fault, status: int, error: str) -> None:
        script.fault = fault
        for messages in (HELLO, []):
            with pytest.raises(ResponseError, match=error) as refused:
                client.chat(NAME, messages)
            assert refused.value.status_code == status

    @pytest.mark.parametrize("words", [("Lisbon ", "is ", "lovely."), ("Lisbon ",)])
    def test_midway(self, client: Client, script: Script, words: tuple[str, ...]) -> None:
        script.words = words
        script.fault = Fault.ERROR_MIDWAY
        came: list[str | None] = []
        with pytest.raises(ResponseError, match="CUDA out of memory"):
            came.extend(part.message.content for part in client.chat(NAME, HELLO, stream=True))
        assert came == ["Lisbon "]
        script.fault = Fault.CUT
        with pytest.raises(httpx.RemoteProtocolError):
            list(client.chat(NAME, HELLO, stream=True))
        with pytest.raises(httpx.RemoteProtocolError):
            client.chat(NAME, HELLO)
        assert script.hang_ups == []

    def test_silence_from_the_start(self, ollama: OllamaServer, script: Script) -> None:
        script.fault = Fault.SILENT_FIRST
        gone = hang_up(ollama.url, "/api/chat", {"model": NAME, "messages": HELLO}, 0.2)
        assert soon(lambda: script.hang_ups)
        assert script.hang_ups[0] - gone < 0.3

    def test_silence_midway(self, http: httpx.Client, script: Script) -> None:
        script.fault = Fault.SILENT_MIDWAY
        request = {"model": NAME, "messages": HELLO}
        lines: list[str] = []
        with http.stream("POST", "/api/chat", json=request, timeout=0.2) as answer, pytest.raises(httpx.ReadTimeout):
            lines.extend(answer.iter_lines())
        assert [json.loads(line)["message"]["content"] for line in lines] == ["Lisbon ", "is "]
        assert soon(lambda: script.hang_ups)

    @pytest.mark.parametrize("loading", [False, True])
    def test_a_hang_up_is_noticed_before_the_first_word(
        self, ollama: OllamaServer, script: Script, *, loading: bool
    ) -> None:
        script.loading, script.pause = (5, 0) if loading else (0, 5)
        gone = hang_up(ollama.url, "/api/chat", {"model": NAME, "messages": HELLO}, 0.2)
        assert soon(lambda: script.hang_ups)
        assert script.hang_ups[0] - gone < 0.3
        assert script.loads == ([] if loading else [(NAME, 4096)])

    def test_a_server_that_ends_breaks_off_what_it_said(self, script: Script) -> None:
        script.pause = 0.05
        script.words = ("word ",) * 100
        with ExitStack() as ending, httpx.Client() as http:
            server = ending.enter_context(OllamaServer(script))
            request = {"model": NAME, "messages": HELLO}
            with http.stream("POST", f"{server.url}/api/chat", json=request) as answer:
                ending.close()
                with pytest.raises(httpx.RemoteProtocolError):
                    answer.read()
        assert script.hang_ups == []
