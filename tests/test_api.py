"""Version 1 over HTTP: sessions, turns, prompts that wait, search, statistics and clean-up."""

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from agent import Agent
from tests.api_server import ApiServer
from tests.conftest import Clock
from tests.ollama_server import Model, OllamaServer, Script
from tests.pictures import picture

Make = Callable[..., Agent]
Serve = Callable[[Agent], ApiServer]
Json = dict[str, Any]


class Chat:
    """One session over HTTP."""

    def __init__(self, client: httpx.Client, name: str = "lisbon", **settings: Any) -> None:
        self.client = client
        self.address = f"/v1/sessions/{name}"
        assert client.post("/v1/sessions", json={"session_id": name} | settings).status_code == 201

    def get(self, path: str = "") -> Any:
        return found(self.client.get(f"{self.address}{path}"))

    def post(self, path: str, status: int = 200, **given: Any) -> Any:
        answer = self.client.post(f"{self.address}{path}", json=given or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def put(self, path: str, **given: Any) -> Any:
        return found(self.client.put(f"{self.address}{path}", json=given))

    def patch(self, **given: Any) -> Any:
        return found(self.client.patch(self.address, json=given))

    def send(self, prompt: str, **given: Any) -> Json:
        return dict(self.post("/turns", 201, prompt=prompt, **given))

    def prompts(self) -> list[str]:
        return [turn["prompt"] for turn in self.get("/turns")["turns"]]


def found(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int) -> str:
    """The sentence of a problem document."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    return str(answer.json()["detail"])


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def pages(client: httpx.Client, path: str, of: str, **query: Any) -> Iterator[list[Any]]:
    """One after the other, by what each hands out for the next."""
    word = "before" if path.endswith("/turns") else "after"
    while True:
        page = found(client.get(path, params=query))
        yield page[of]
        if page[word] is None:
            return
        query[word] = page[word]


@pytest.fixture
def chat(http: httpx.Client) -> Chat:
    return Chat(http)


def test_a_session_is_made_with_what_is_asked_for(http: httpx.Client) -> None:
    given = {
        "session_id": "lisbon",
        "title": "To Lisbon",
        "model": "echo",
        "window_turns": 3,
        "system_prompt": "Be kind.",
        "parameters": {"temperature": 0.5},
    }
    answer = http.post("/v1/sessions", json=given)
    made = answer.json()
    assert answer.status_code == 201
    assert (made["session_id"], made["title"], made["turn_count"]) == ("lisbon", "To Lisbon", 0)
    assert made["settings"]["system_prompt"]["text"] == "Be kind."
    assert (made["settings"]["window_turns"], made["settings"]["parameters"]) == (3, {"temperature": 0.5})
    assert found(http.get("/v1/sessions/lisbon")) == made


def test_a_session_that_is_there_is_given_and_left_as_it_is(chat: Chat) -> None:
    again = chat.client.post("/v1/sessions", json={"session_id": "lisbon", "title": "Another"})
    assert (again.status_code, again.json()["title"]) == (200, "")


def test_a_session_without_a_name_gets_one(http: httpx.Client) -> None:
    names = {http.post("/v1/sessions", json={}).json()["session_id"] for _ in range(3)}
    assert len(names) == 3


def test_a_session_begins_with_a_template(http: httpx.Client) -> None:
    template = found(http.get("/v1/templates"))[0]
    made = http.post("/v1/sessions", json={"template": template["name"]}).json()
    assert made["settings"]["system_prompt"]["text"] == template["system_prompt"]


@pytest.mark.parametrize("name", ["a b", "ä/ö", "?x=1#y", "..", "%2F", "docs"])
def test_names_are_quoted_in_addresses(chat: Chat, name: str) -> None:
    if "/" in name or name == "..":
        assert refused(chat.client.post("/v1/sessions", json={"session_id": name}), 422)
    else:
        quoted = "".join(f"%{byte:02X}" for byte in name.encode())
        Chat(chat.client, name)
        assert found(chat.client.get(f"/v1/sessions/{quoted}"))["session_id"] == name


@pytest.mark.parametrize("name", ["current", "active"])
def test_no_session_is_made_that_another_address_would_hide(http: httpx.Client, name: str) -> None:
    assert name in refused(http.post("/v1/sessions", json={"session_id": name}), 422)


def test_the_list_is_read_page_by_page_with_each_session_once(http: httpx.Client) -> None:
    for number in range(23):
        Chat(http, f"session {number}", title=f"Number {number}")
    seen = [session["session_id"] for page in pages(http, "/v1/sessions", "sessions", limit=5) for session in page]
    assert seen == [f"session {number}" for number in reversed(range(23))]
    by_title = [
        session["title"] for page in pages(http, "/v1/sessions", "sessions", limit=7, order="title") for session in page
    ]
    assert by_title == sorted(by_title)
    assert len(by_title) == 23


def test_a_word_for_the_next_page_counts_for_its_own_list_only(http: httpx.Client) -> None:
    Chat(http, "one"), Chat(http, "two")
    after = found(http.get("/v1/sessions", params={"limit": 1}))["after"]
    for path, query in (
        ("/v1/sessions", {"order": "title"}),
        ("/v1/sessions/active", {}),
        ("/v1/search", {"q": "x"}),
    ):
        assert "after" in refused(http.get(path, params=query | {"after": after}), 422)
    for made_up in ("x", "ä", "e30", after[:-2], f"{after}AAAA"):
        assert "after" in refused(http.get("/v1/sessions", params={"after": made_up}), 422)


def test_sessions_are_found_by_title_tag_and_what_they_are(http: httpx.Client) -> None:
    lisbon, porto = Chat(http, "l", title="A night train to Lisbon"), Chat(http, "p", title="Porto")
    porto.patch(tags=["Work"], archived=True)
    lisbon.patch(pinned=True)

    def listed(**query: Any) -> list[str]:
        return [session["session_id"] for session in found(http.get("/v1/sessions", params=query))["sessions"]]

    assert listed() == ["l"]
    assert listed(titled="night tr") == ["l"]
    assert listed(titled="porto") == []
    assert listed(titled="porto", every=True) == ["p"]
    assert listed(tag="work", archived=True) == ["p"]
    assert (listed(pinned=True), listed(pinned=False), listed(ended=True)) == (["l"], [], [])
    assert listed(until="2020-01-01") == []
    assert listed(since="2020-01-01T00:00:00Z") == ["l"]


def test_every_field_of_a_session_is_changed_and_what_is_left_out_stays(chat: Chat) -> None:
    changes: Json = {
        "title": "Trip",
        "pinned": True,
        "archived": True,
        "tags": ["one", "two"],
        "window_turns": 0,
        "summary": "They like trains.",
        "system_prompt": "Be kind.",
        "parameters": {"seed": 7},
        "model": "echo",
    }
    for name, value in changes.items():
        before = chat.get()
        changed = chat.patch(**{name: value})
        shown = changed.get(name, changed["settings"].get(name))
        assert (shown["text"] if isinstance(shown, dict) and "text" in shown else shown) == value
        same = before.keys() - {name, "settings", "last_activity"}
        assert {key: changed[key] for key in same} == {key: before[key] for key in same}
    assert chat.patch(tags=["two", "three"])["tags"] == ["three", "two"]
    assert chat.patch(tags=[], pinned=False, archived=False, system_prompt="")["tags"] == []
    assert chat.get()["settings"]["system_prompt"]["text"] == ""
    assert chat.patch() == chat.get()


def test_an_ended_session_takes_no_prompt_until_it_is_reopened(chat: Chat) -> None:
    assert chat.post("/end")["ended_at"] is not None
    assert "reopen it" in refused(chat.client.post("/v1/sessions/lisbon/turns", json={"prompt": "Hello"}), 409)
    assert chat.client.get("/v1/sessions/current").json() is None
    assert chat.post("/reopen")["ended_at"] is None
    assert chat.send("Hello")["status"] == "complete"
    assert found(chat.client.get("/v1/sessions/current"))["session_id"] == "lisbon"
    (active,) = found(chat.client.get("/v1/sessions/active"))["sessions"]
    assert active["session_id"] == "lisbon"


def test_a_cleared_session_keeps_its_settings_and_loses_its_turns(chat: Chat) -> None:
    chat.patch(window_turns=3)
    chat.send("Hello")
    cleared = chat.post("/clear")
    assert (cleared["message_count"], cleared["settings"]["window_turns"]) == (0, 3)
    assert chat.prompts() == []


def test_a_fork_begins_with_a_copy_and_goes_its_own_way(chat: Chat) -> None:
    first = chat.send("One", data={"colour": "blue"})
    chat.send("Two")
    assert chat.post("/fork", 201, session_id="copy")["turn_count"] == 2
    short = chat.post("/fork", 201, turn_id=first["turn_id"])
    (turn,) = found(chat.client.get(f"/v1/sessions/{short['session_id']}/turns"))["turns"]
    assert (turn["prompt"], turn["data"]) == ("One", {"colour": "blue"})
    assert chat.post("/fork", 200, session_id="lisbon")["turn_count"] == 2
    assert chat.prompts() == ["One", "Two"]


def test_sessions_are_deleted_one_by_one_or_many_at_once(http: httpx.Client) -> None:
    for name in ("one", "two", "three"):
        Chat(http, name).send("Hello")
    assert http.delete("/v1/sessions/one").status_code == 204
    assert "There is no session “one”" in refused(http.delete("/v1/sessions/one"), 404)
    given = {"session_ids": ["two", "three", "nine"]}
    assert found(http.post("/v1/sessions/delete", json=given)) == {"sessions": 2, "messages": 4, "kept": ["nine"]}
    assert found(http.get("/v1/sessions"))["sessions"] == []


def test_a_clean_up_deletes_what_its_preview_showed(make_agent: Make, serve_api: Serve, clock: Clock) -> None:
    agent = make_agent(clock=clock)
    with serve_api(agent).client() as client:
        for name, settings in (("old", {}), ("kept", {"pinned": True}), ("put away", {"archived": True})):
            chat = Chat(client, name)
            chat.send("Hello")
            chat.patch(**settings)
        clock.forward(days=40)
        Chat(client, "new").send("Hello")
        shown = found(client.get("/v1/cleanup", params={"days": 30}))
        assert (shown["sessions"], [session["session_id"] for session in shown["longest"]]) == (1, ["old"])
        assert found(client.get("/v1/cleanup", params={"days": 30, "archived_too": True}))["sessions"] == 2
        assert found(client.post("/v1/cleanup", json={"days": 30})) == {"sessions": 1, "messages": 2, "kept": []}
        left = found(client.get("/v1/sessions", params={"every": True}))["sessions"]
        assert {session["session_id"] for session in left} == {"kept", "put away", "new"}


def test_a_prompt_is_answered_with_its_turn_and_receipt(chat: Chat) -> None:
    chat.send("I go to Lisbon")
    turn = chat.send("And then?", data={"user_name": "Ann"})
    assert (turn["reply"], turn["status"]) == ("You said: And then?. I remember 3 messages.", "complete")
    assert (turn["depth"], turn["model"], turn["error"]) == (2, "echo", None)
    assert (turn["receipt"]["turns"], turn["receipt"]["verdict"]) == (1, "complete")
    assert turn["data"] == {"user_name": "Ann"}
    assert [message["sender"] for message in turn["messages"]] == ["Human", "AI"]
    assert chat.get(f"/turns/{turn['turn_id']}") == turn


def test_the_active_path_and_all_branches_are_read_page_by_page(chat: Chat) -> None:
    turns = [chat.send(f"Prompt {number}") for number in range(7)]
    other = chat.post(f"/turns/{turns[6]['turn_id']}/regenerate", 201)
    path = list(pages(chat.client, "/v1/sessions/lisbon/turns", "turns", limit=3))
    assert [len(page) for page in path] == [3, 3, 1]
    assert [turn["turn_id"] for page in reversed(path) for turn in page] == [
        *(turn["turn_id"] for turn in turns[:6]),
        other["turn_id"],
    ]
    every = [turn for page in pages(chat.client, "/v1/sessions/lisbon/branches", "turns", limit=3) for turn in page]
    assert [turn["turn_id"] for turn in every] == [*(turn["turn_id"] for turn in turns), other["turn_id"]]
    assert every[-1]["parent_id"] == every[-2]["parent_id"] == turns[5]["turn_id"]


def test_what_was_sent_is_made_again_from_the_receipt(chat: Chat) -> None:
    chat.patch(system_prompt="Be kind.")
    chat.send("One")
    turn = chat.send("Two")
    context = chat.get(f"/turns/{turn['turn_id']}/context")
    assert [(message["sender"], message["content"]) for message in context["messages"]] == [
        ("System", "Be kind."),
        ("Human", "One"),
        ("AI", "You said: One. I remember 1 messages."),
        ("Human", "Two"),
    ]
    assert context["receipt"]["turns"] == 1


def test_a_preview_shows_what_would_be_sent_and_sends_nothing(chat: Chat) -> None:
    chat.send("One")
    shown = chat.post("/preview", prompt="Two")
    assert [message["content"] for message in shown["messages"]][-1] == "Two"
    assert shown["sizes"]["prompt"] > 0
    assert chat.prompts() == ["One"]


def test_a_turn_is_asked_again_edited_and_continued_beside_itself(chat: Chat) -> None:
    first = chat.send("One")
    here = f"/turns/{first['turn_id']}"
    again = chat.post(f"{here}/regenerate", 201, model="echo")
    edited = chat.post(f"{here}/edit", 201, prompt="Uno")
    longer = chat.post(f"{here}/continue", 201)
    assert (again["prompt"], edited["prompt"], longer["reply"]) == ("One", "Uno", first["reply"])
    every = [turn["turn_id"] for turn in (first, again, edited, longer)]
    assert chat.get(f"{here}/alternatives") == {"turn_ids": every, "place": 0}
    assert chat.post(f"/turns/{edited['turn_id']}/choose")["turn_count"] == 1
    assert chat.prompts() == ["Uno"]
    beside = chat.send("Eins", beside=first["turn_id"])
    assert beside["parent_id"] is None
    streamed = chat.client.post(
        f"/v1/sessions/lisbon{here}/regenerate", json={}, headers={"Accept": "text/event-stream"}
    )
    assert (streamed.status_code, "event: end" in streamed.text) == (201, True)


def test_a_turn_is_rated_and_marked_and_both_are_taken_back(chat: Chat) -> None:
    turn = chat.send("One")
    here = f"/turns/{turn['turn_id']}"
    assert chat.put(f"{here}/rating", rating=-1)["rating"] == -1
    assert chat.put(f"{here}/mark", mark="excluded")["mark"] == "excluded"
    assert chat.send("Two")["receipt"]["excluded"] == [1]
    assert chat.put(f"{here}/rating", rating=None)["rating"] is None
    assert chat.put(f"{here}/mark", mark=None)["mark"] is None
    assert "rating" in refused(chat.client.put(f"/v1/sessions/lisbon{here}/rating", json={}), 422)
    assert refused(chat.client.put(f"/v1/sessions/lisbon{here}/rating", json={"rating": 5}), 422)


def test_stopping_a_turn_that_has_ended_does_nothing(chat: Chat) -> None:
    turn = chat.send("One")
    assert chat.post(f"/turns/{turn['turn_id']}/stop", 202) == turn
    assert "There is no turn 99" in refused(chat.client.post("/v1/sessions/lisbon/turns/99/stop"), 404)


def test_an_image_goes_up_with_a_prompt_and_comes_down_again(
    make_agent: Make, serve_api: Serve, ollama: OllamaServer, script: Script
) -> None:
    script.models = {"llava:7b": Model(capabilities=("completion", "vision"))}
    image = {"name": "cat.png", "content": base64.b64encode(picture()).decode()}
    with serve_api(make_agent(ollama_host=ollama.url, model="ollama:llava:7b")).client() as client:
        chat = Chat(client)
        turn = chat.send("Who is this?", images=[image])
        (shown,) = turn["images"]
        assert shown == {"name": "cat.png", "media_type": "image/png", "size": len(picture())}
        here = f"/v1/sessions/lisbon/turns/{turn['turn_id']}"
        down = client.get(f"{here}/images/0")
        assert (down.content, down.headers["content-type"]) == (picture(), "image/png")
        assert "There is no image 1" in refused(client.get(f"{here}/images/1"), 404)
        edited = client.post(f"{here}/edit", json={"prompt": "And now?"}).json()
        assert edited["images"] == [shown]
        assert client.post(f"{here}/edit", json={"prompt": "And now?", "images": []}).json()["images"] == []
        assert "[image]" in chat.post("/preview", prompt="Who?", images=[image])["messages"][-1]["content"]


def test_an_image_that_is_none_is_refused(chat: Chat) -> None:
    for content, said in (("%%%", "base64"), (base64.b64encode(b"GIF8 nothing").decode(), "")):
        given = {"prompt": "Who is this?", "images": [{"name": "cat.png", "content": content}]}
        assert said in refused(chat.client.post("/v1/sessions/lisbon/turns", json=given), 422)
    given = {"prompt": "Who is this?", "images": [{"content": base64.b64encode(picture()).decode()}]}
    assert "echo sees no images" in refused(chat.client.post("/v1/sessions/lisbon/turns", json=given), 422)


def test_a_model_that_is_not_there_is_refused_and_nothing_is_kept(chat: Chat) -> None:
    for model, status in (("nonsense", 422), ("nonsense:model", 422)):
        answer = chat.client.post("/v1/sessions/lisbon/turns", json={"prompt": "Hello", "model": model})
        assert model.partition(":")[0] in refused(answer, status)
    assert chat.get()["message_count"] == 0


def test_a_session_that_answers_says_so_and_takes_prompts_that_wait(make_agent: Make, serve_api: Serve) -> None:
    agent = make_agent(echo_words_per_second=20)
    with serve_api(agent).client() as client:
        chat = Chat(client)
        sent = chat.post("/waiting", 202, prompt="word " * 1000)
        assert (sent["waiting"], chat.get()["running"]) == ([], True)
        assert "wait for the reply or stop it" in refused(
            client.post("/v1/sessions/lisbon/turns", json={"prompt": "Hello"}), 409
        )
        waits = chat.post("/waiting", 202, prompt="Next")
        assert (waits["turn_id"], [prompt["prompt"] for prompt in waits["waiting"]]) == (None, ["Next"])
        (later,) = chat.post("/waiting", 202, prompt="Later")["waiting"][1:]
        taken = client.delete(f"/v1/sessions/lisbon/waiting/{later['id']}")
        assert found(taken) == later
        assert "waits no longer" in refused(client.delete(f"/v1/sessions/lisbon/waiting/{later['id']}"), 404)
        assert chat.post(f"/turns/{sent['turn_id']}/stop", 202)["status"] == "stopped"
        # Between the end of the one and the beginning of the next nothing runs for a moment.
        until(lambda: chat.get("/waiting") == {"turn_id": None, "waiting": [], "held_up": None})
        until(lambda: not chat.get()["running"])
        assert chat.prompts()[1:] == ["Next"]


def test_a_prompt_that_is_held_is_sent_when_somebody_asks(
    make_agent: Make, serve_api: Serve, ollama: OllamaServer, script: Script
) -> None:
    script.loading = 30
    agent = make_agent(ollama_host=ollama.url, model="ollama:llama3.2:3b", first_seconds=1)
    with serve_api(agent).client() as client:
        chat = Chat(client)
        first = chat.post("/waiting", 202, prompt="One")["turn_id"]
        chat.post("/waiting", 202, prompt="Two", model="echo")
        until(lambda: chat.get(f"/turns/{first}")["status"] == "failed")
        (held,) = chat.get("/waiting")["waiting"]
        assert held["held"]
        assert chat.post("/waiting/send", 202)["turn_id"] is not None
        assert chat.post("/waiting/send", 202)["turn_id"] is None
        until(lambda: not chat.get()["running"])
        assert chat.prompts() == ["One", "Two"]


def test_a_search_gives_its_hits_page_by_page(chat: Chat) -> None:
    for number in range(12):
        chat.send(f"A night train, number {number}")
    hits = [
        hit
        for page in pages(chat.client, "/v1/search", "hits", q="night train*", sender="Human", limit=5)
        for hit in page
    ]
    assert len({hit["turn_id"] for hit in hits}) == 12
    assert "".join(piece["text"] for piece in hits[0]["snippet"] if piece["found"]).lower() == "nighttrain"
    assert (hits[0]["session_id"], hits[0]["sender"]) == ("lisbon", "Human")
    best = found(chat.client.get("/v1/search", params={"q": "number", "best": True, "session": "lisbon", "limit": 2}))
    assert len(best["hits"]) == 2
    assert "no session" in refused(chat.client.get("/v1/search", params={"q": "x", "session": "none"}), 404)


def test_the_figures_and_the_last_turns_are_those_of_what_was_sent(chat: Chat) -> None:
    chat.send("One"), chat.send("Two")
    stats = found(chat.client.get("/v1/stats", params={"days": 7}))
    assert (stats["totals"]["turns"], stats["used"]["turns"], sum(stats["hours"])) == (2, 2, 2)
    assert [model["model"] for model in stats["models"]] == ["echo"]
    assert found(chat.client.get("/v1/stats", params={"session": "lisbon"}))["used"]["turns"] == 2
    assert "not both" in refused(chat.client.get("/v1/stats", params={"days": 7, "since": "2026-01-01"}), 422)
    recent = found(chat.client.get("/v1/turns/recent"))
    assert [turn["turn"]["prompt"] for turn in recent] == ["Two", "One"]


def test_what_a_notebook_sent_is_the_same_over_http(agent: Agent, http: httpx.Client) -> None:
    turn = agent.conversation("from a notebook").send("Hello")
    shown = found(http.get(f"/v1/sessions/from%20a%20notebook/turns/{turn.turn_id}"))
    assert (shown["reply"], shown["data"]) == (turn.text, {})


def test_a_misspelt_parameter_is_refused_and_lets_nothing_in(http: httpx.Client) -> None:
    answer = http.get("/v1/sessions", params={"title": "lisbon"})
    assert answer.status_code == 422
    assert "titled" in answer.json()["detail"]
    assert http.get("/v1/tags", params={"x": "1"}).status_code == 422
