"""The clients of four earlier back ends: what their documents show, over real HTTP."""

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage

from agent import Agent, Reply
from tests.api_server import ApiServer
from tests.conftest import Clock

Make = Callable[..., Agent]
Json = dict[str, Any]


@pytest.fixture
def open_client(make_agent: Make) -> Iterator[Callable[..., httpx.Client]]:
    """Clients of a service for an agent, with a token or without."""
    with ExitStack() as opened:
        servers: dict[int, ApiServer] = {}

        def client(agent: Agent, token: str | None = None) -> httpx.Client:
            if id(agent) not in servers:
                servers[id(agent)] = opened.enter_context(ApiServer(agent))
            return opened.enter_context(servers[id(agent)].client(token))

        yield client


Open = Callable[..., httpx.Client]


@pytest.fixture
def client(agent: Agent, open_client: Open) -> httpx.Client:
    return open_client(agent)


@pytest.fixture
def busy(make_agent: Make, open_client: Open) -> Iterator[tuple[Agent, httpx.Client, Reply]]:
    """An agent that answers slowly, in whose session “lisbon” a reply runs."""
    agent = make_agent(echo_words_per_second=5, debug_routes=True)
    reply = agent.conversation("lisbon").start("word " * 500)
    yield agent, open_client(agent), reply
    reply.stop()
    reply.wait_for_end(5)


def got(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()


def refused(response: httpx.Response, status: int) -> str:
    """The sentence, which is all that is said."""
    said = got(response, status)
    assert list(said) == ["detail"]
    assert response.headers["content-type"] == "application/json"
    return str(said["detail"])


def in_utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return moment.astimezone(UTC)


# The first back end


def test_the_first_answers_its_documents_example_word_for_word(client: httpx.Client) -> None:
    said = client.post("/chat", json={"session_id": "unique-session-id", "message": "Hello"})
    assert got(said) == {
        "reply": "You said: Hello. I remember 1 messages.",
        "history": [{"role": "user", "content": "Hello"}],
    }


def test_the_first_remembers_three_messages_and_the_store_keeps_all(agent: Agent, client: httpx.Client) -> None:
    for number in range(4):
        said = got(client.post("/chat", json={"session_id": "s", "message": f"Message {number}"}))
    assert said["reply"] == "You said: Message 3. I remember 3 messages."
    assert said["history"] == [
        {"role": "user", "content": "Message 2"},
        {"role": "assistant", "content": "You said: Message 2. I remember 3 messages."},
        {"role": "user", "content": "Message 3"},
    ]
    assert len(agent.find("s").turns(10)) == 4


def test_the_first_leaves_a_window_as_it_is_where_the_session_was_there_before(
    agent: Agent, client: httpx.Client
) -> None:
    chat = agent.conversation("mine")
    chat.configure(system_prompt="Be brief.", window_turns=5)
    for number in range(3):
        said = got(client.post("/chat", json={"session_id": "mine", "message": str(number)}))
    assert [message["role"] for message in said["history"]] == ["user", "assistant"] * 2 + ["user"]
    assert chat.window_turns == 5


def test_the_first_keeps_its_sessions_apart(client: httpx.Client) -> None:
    client.post("/chat", json={"session_id": "ann", "message": "I am Ann"})
    said = got(client.post("/chat", json={"session_id": "bob", "message": "Who am I?"}))
    assert said["history"] == [{"role": "user", "content": "Who am I?"}]


# The second back end


class Bot:
    """What its document shows: three replies in order, at the times that stand there."""

    REPLIES = (
        "Hi there! How can I help you today?",
        "I'm FastAPI Bot, your friendly assistant built with FastAPI!",
        "FastAPI is a modern, fast Python web framework for building APIs. It's awesome!",
    )

    def __init__(self, make_agent: Make, open_client: Open, clock: Clock) -> None:
        model = FakeMessagesListChatModel(responses=[AIMessage(reply) for reply in self.REPLIES])
        self.clock = clock
        self.client = open_client(make_agent(models={"bot": model}, clock=clock, model="bot"))

    def say(self, at: str, **body: str) -> Json:
        self.clock.now = datetime.fromisoformat(f"2025-11-09 {at}").astimezone(UTC)
        said: Json = got(self.client.post("/chat", json=body))
        return said

    def say_all(self) -> None:
        self.say("19:55:43", user_message="Hello!", user_name="Alice", session_id="alice_chat")
        self.say("19:55:55", user_message="What's your name?", user_name="Alice", session_id="alice_chat")
        self.say("19:56:25", user_message="Tell me about FastAPI", user_name="Bob", session_id="bob_chat")


ALICE = [
    {
        "user_message": "Hello!",
        "bot_reply": "Hi there! How can I help you today?",
        "user_name": "Alice",
        "timestamp": "2025-11-09 19:55:43",
    },
    {
        "user_message": "What's your name?",
        "bot_reply": "I'm FastAPI Bot, your friendly assistant built with FastAPI!",
        "user_name": "Alice",
        "timestamp": "2025-11-09 19:55:55",
    },
]
BOB = [
    {
        "user_message": "Tell me about FastAPI",
        "bot_reply": "FastAPI is a modern, fast Python web framework for building APIs. It's awesome!",
        "user_name": "Bob",
        "timestamp": "2025-11-09 19:56:25",
    }
]


@pytest.fixture
def bot(make_agent: Make, open_client: Open, clock: Clock) -> Bot:
    return Bot(make_agent, open_client, clock)


def test_the_second_passes_its_seven_tests_in_the_words_of_its_document(bot: Bot) -> None:
    first = bot.say("19:55:43", user_message="Hello!", user_name="Alice", session_id="alice_chat")
    assert first == ALICE[0] | {"session_id": "alice_chat"}
    second = bot.say("19:55:55", user_message="What's your name?", user_name="Alice", session_id="alice_chat")
    assert second == ALICE[1] | {"session_id": "alice_chat"}
    assert got(bot.client.get("/chat/history/alice_chat")) == ALICE
    third = bot.say("19:56:25", user_message="Tell me about FastAPI", user_name="Bob", session_id="bob_chat")
    assert third == BOB[0] | {"session_id": "bob_chat"}
    assert got(bot.client.get("/chat/history/bob_chat")) == BOB
    assert got(bot.client.get("/chat/history/alice_chat")) == ALICE
    said = refused(bot.client.get("/chat/history/nonexistent_session"), 404)
    assert said == "No conversation history found for session 'nonexistent_session'"


def test_the_second_has_its_documents_defaults(client: httpx.Client) -> None:
    said = got(client.post("/chat", json={"user_message": "Hello!"}))
    assert (said["user_name"], said["session_id"]) == ("User", "default")
    assert said["bot_reply"] == "You said: Hello!. I remember 1 messages."
    (entry,) = got(client.get("/chat/history/default"))
    assert entry["user_name"] == "User"


def test_the_second_counts_exchanges_and_says_when_the_first_and_the_last_was(bot: Bot) -> None:
    bot.say_all()
    assert got(bot.client.get("/chat/history/alice_chat/stats")) == {
        "total_messages": 2,
        "first_message_time": "2025-11-09 19:55:43",
        "last_message_time": "2025-11-09 19:55:55",
    }
    assert refused(bot.client.get("/chat/history/nobody/stats"), 404) == "Session not found"


def test_a_session_in_which_nothing_was_said_has_an_empty_history_in_the_second(
    agent: Agent, client: httpx.Client
) -> None:
    agent.conversation("quiet")
    assert got(client.get("/chat/history/quiet")) == []
    stats = got(client.get("/chat/history/quiet/stats"))
    assert stats == {"total_messages": 0, "first_message_time": None, "last_message_time": None}


def test_the_second_shows_the_active_path_of_a_session_whoever_wrote_in_it(agent: Agent, client: httpx.Client) -> None:
    chat = agent.conversation("lisbon")
    chat.send("One")
    chat.start("Two", data={"user_name": 5}).finish()
    chat.edit(chat.turns(1)[0].id, "Two, better").finish()
    entries = got(client.get("/chat/history/lisbon"))
    assert [(entry["user_message"], entry["user_name"]) for entry in entries] == [
        ("One", "User"),
        ("Two, better", "User"),
    ]
    assert got(client.get("/chat/history/lisbon/stats"))["total_messages"] == 2


def test_a_long_history_is_given_whole(agent: Agent, client: httpx.Client) -> None:
    chat = agent.conversation("long")
    chat.configure(window_turns=0)
    for number in range(205):
        chat.send(f"Question {number}")
    prompts = [f"Question {number}" for number in range(205)]
    assert [entry["user_message"] for entry in got(client.get("/chat/history/long"))] == prompts
    history = got(client.post("/get_history/", json={"session_id": "long"}))["history"]
    assert [message["content"] for message in history if message["sender"] == "Human"] == prompts
    assert len(history) == 410
    interactions = got(client.get("/sessions/long/interactions"))
    assert [interaction["user_question"] for interaction in interactions] == prompts


def test_debug_routes_are_there_only_if_asked_for(bot: Bot, make_agent: Make, open_client: Open) -> None:
    bot.say_all()
    assert bot.client.get("/debug/sessions").status_code == 404
    assert bot.client.post("/debug/clear").status_code == 404
    client = open_client(make_agent(debug_routes=True))
    assert got(client.get("/debug/sessions")) == {
        "total_sessions": 2,
        "session_ids": ["alice_chat", "bob_chat"],
        "total_messages": 3,
    }
    assert got(client.post("/debug/clear")) == {"status": "cleared"}
    assert got(client.get("/debug/sessions")) == {"total_sessions": 0, "session_ids": [], "total_messages": 0}
    refused(client.get("/chat/history/alice_chat"), 404)


def test_clearing_all_keeps_the_session_in_which_a_reply_runs_and_names_it(
    busy: tuple[Agent, httpx.Client, Reply],
) -> None:
    agent, client, _ = busy
    agent.conversation("other")
    assert got(client.post("/debug/clear")) == {"status": "cleared", "kept": ["lisbon"]}
    assert [session.session_id for session in agent.sessions().sessions] == ["lisbon"]


def test_a_body_of_neither_back_end_is_refused_with_what_to_send(client: httpx.Client) -> None:
    both = {"session_id": "s", "message": "Hello", "user_message": "Hello"}
    bodies: list[Any] = [{}, {"text": "Hello"}, both, [], "Hello"]
    for body in bodies:
        said = refused(client.post("/chat", json=body), 422)
        assert "Send either session_id and message, or user_message with user_name and session_id." in said


UNFIT: list[Json] = [
    {"message": "Hello"},
    {"session_id": "", "message": "Hello"},
    {"session_id": "x" * 201, "message": "Hello"},
    {"session_id": " s ", "message": "Hello"},
    {"session_id": "s", "message": "  "},
    {"session_id": "s", "message": "\0"},
    {"session_id": "s", "message": 5},
    {"user_message": ""},
    {"user_message": "Hello", "user_name": None},
    {"user_message": "Hello", "user_name": "x" * 201},
]


def test_what_no_session_takes_is_refused_in_a_sentence_and_makes_none(agent: Agent, client: httpx.Client) -> None:
    for body in UNFIT:
        assert refused(client.post("/chat", json=body), 422).endswith(".")
    assert agent.sessions().sessions == ()


def test_half_of_a_character_is_refused_wherever_it_stands(client: httpx.Client) -> None:
    for body in (
        '{"session_id": "s", "message": "\\ud800"}',
        '{"user_message": "\\ud800"}',
        '{"user_message": "Hello", "user_name": "\\ud800"}',
        '{"user_message": "Hello", "session_id": "\\ud800"}',
    ):
        said = client.post("/chat", content=body, headers={"Content-Type": "application/json"})
        assert refused(said, 422)


def test_both_bodies_of_the_same_route_are_in_the_openapi_document(client: httpx.Client) -> None:
    document = got(client.get("/openapi.json"))
    body = document["paths"]["/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {choice["$ref"].rpartition("/")[2] for choice in body["oneOf"]} == {"ChatMessage", "ChatRequest"}
    assert "/chat/" not in document["paths"]
    assert "/generate/" in document["paths"]
    assert "/generate" not in document["paths"]
    answers = document["paths"]["/generate/"]["post"]["responses"]
    assert answers["409"]["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Detail"}}}


# The third back end


@pytest.fixture
def ann(agent: Agent, open_client: Open) -> httpx.Client:
    return open_client(agent, agent.access.create("ann")[1])


@pytest.fixture
def bea(agent: Agent, open_client: Open) -> httpx.Client:
    return open_client(agent, agent.access.create("bea")[1])


def test_the_third_starts_a_session_with_a_summary_that_the_model_is_told(agent: Agent, ann: httpx.Client) -> None:
    started = got(ann.post("/sessions/start", json={"context_summary": "Optional session context"}))
    assert started["context_summary"] == "Optional session context"
    assert started["session_end"] is None
    assert (type(started["id"]), started["user_id"]) == (int, "ann")
    assert abs((datetime.now(UTC) - in_utc(started["session_start"])).total_seconds()) < 60
    sent = got(ann.post("/chat/send", json={"message": "Hello", "session_id": started["id"]}))
    context = agent.of("ann").find(started["session_id"]).context(sent["interaction"]["id"])
    assert context is not None
    assert "Optional session context" in context.messages[0].text
    assert got(ann.get("/sessions/current"))["id"] == started["id"]


def test_the_third_starts_a_session_without_a_summary(ann: httpx.Client) -> None:
    bodies: list[Json | None] = [{}, {"context_summary": None}, {"context_summary": ""}, None]
    for body in bodies:
        started = got(ann.post("/sessions/start") if body is None else ann.post("/sessions/start", json=body))
        assert started["context_summary"] is None
        assert got(ann.get("/sessions/current")) == started


def test_the_third_makes_a_session_when_one_starts_chatting_and_stays_in_it_until_it_is_ended(
    ann: httpx.Client,
) -> None:
    assert refused(ann.get("/sessions/current"), 404) == "There is no current session: start one."
    first = got(ann.post("/chat/send", json={"message": "Hello"}))
    assert first["response"] == "You said: Hello. I remember 1 messages."
    second = got(ann.post("/chat/send", json={"message": "And now?"}))
    assert second["response"] == "You said: And now?. I remember 3 messages."
    assert second["session"]["id"] == first["session"]["id"]

    ended = got(ann.post(f"/sessions/{first['session']['id']}/end"))
    assert in_utc(ended["session_end"]) >= in_utc(ended["session_start"])
    assert got(ann.post(f"/sessions/{first['session']['id']}/end")) == ended
    refused(ann.get("/sessions/current"), 404)

    third = got(ann.post("/chat/send", json={"message": "Hello again"}))
    assert third["session"]["id"] != first["session"]["id"]
    fourth = got(ann.post("/chat/send", json={"message": "Hello", "session_id": first["session"]["id"]}))
    assert fourth["session"]["id"] not in {first["session"]["id"], third["session"]["id"]}
    history = got(ann.get("/sessions/history"))
    assert [session["id"] for session in history] == [of["session"]["id"] for of in (fourth, third, first)]
    assert [session["session_end"] is None for session in history] == [True, True, False]


def test_the_third_gives_interactions_with_what_they_were_made_from(ann: httpx.Client) -> None:
    sent = got(ann.post("/chat/send", json={"message": "Hello"}))
    interaction = sent["interaction"]
    assert interaction["user_question"] == "Hello"
    assert interaction["ai_response"] == sent["response"]
    assert interaction["session_id"] == sent["session"]["id"]
    assert interaction["context_used"]["messages"] == 1
    assert interaction["context_used"]["verdict"] == "complete"
    kept = interaction["interaction_metadata"]
    assert (kept["model"], kept["status"], kept["rating"]) == ("echo", "complete", None)
    assert (kept["input_tokens"], kept["output_tokens"]) == (1, 7)
    assert kept["seconds"] > 0
    number, name = sent["session"]["id"], sent["session"]["session_id"]
    assert got(ann.get(f"/sessions/{number}/interactions")) == [interaction]
    assert got(ann.get(f"/sessions/{name}/interactions")) == [interaction]


def test_the_third_gives_the_recent_interactions_of_all_sessions_newest_first(ann: httpx.Client) -> None:
    for number in range(6):
        for message in (f"Question {number}", f"More of {number}"):
            ann.post("/chat/send", json={"message": message})
        ann.post("/sessions/start")
    recent = got(ann.get("/sessions/recent?limit=10"))
    asked = [f"{words} {number}" for number in range(5, 0, -1) for words in ("More of", "Question")]
    assert [interaction["user_question"] for interaction in recent] == asked
    assert len({interaction["session_id"] for interaction in recent}) == 5
    assert got(ann.get("/sessions/recent")) == recent
    assert len(got(ann.get("/sessions/recent?limit=3"))) == 3
    for limit in ("0", "201", str(2**64), "many"):
        assert refused(ann.get(f"/sessions/recent?limit={limit}"), 422)


def test_the_third_isolates_its_users_and_wants_a_token(
    agent: Agent, ann: httpx.Client, bea: httpx.Client, open_client: Open
) -> None:
    started = got(ann.post("/chat/send", json={"message": "My secret"}))["session"]
    assert got(bea.get("/sessions/recent")) == got(bea.get("/sessions/history")) == []
    refused(bea.get("/sessions/current"), 404)
    for name in (started["id"], started["session_id"]):
        refused(bea.get(f"/sessions/{name}/interactions"), 404)
        refused(bea.post(f"/sessions/{name}/end"), 404)
        refused(bea.delete(f"/sessions/{name}"), 404)
        refused(bea.post("/chat/send", json={"message": "Hello", "session_id": name}), 404)
    refused(bea.get(f"/chat/history/{started['session_id']}"), 404)
    assert got(bea.get("/session_names/")) == []
    assert got(bea.post("/chat/send", json={"message": "Mine"}))["session"]["id"] != started["id"]
    assert got(ann.get("/sessions/current"))["id"] == started["id"]

    nobody = open_client(agent).get("/sessions/current")
    assert refused(nobody, 401)
    assert nobody.headers["www-authenticate"] == "Bearer"
    refused(open_client(agent, "windowseat_wrong").get("/sessions/current"), 401)


def test_a_number_is_a_sessions_number_in_the_third_and_a_name_in_the_fourth(
    agent: Agent, client: httpx.Client
) -> None:
    key = agent.conversation("first").session.key
    agent.conversation(str(key)).send("In the one that is named so")
    assert got(client.get(f"/sessions/{key}/interactions")) == []
    assert got(client.delete(f"/sessions/{key}"))["session_id"] == str(key)
    # Asked again, since the answer was lost: it must not delete another one.
    assert refused(client.delete(f"/sessions/{key}"), 404)
    assert agent.find("first")


def test_a_number_that_no_session_has_is_not_found(client: httpx.Client) -> None:
    for name in ("0", "-1", "01", "٣", str(2**63), str(2**64), "9" * 200, "1.5", "no such"):
        for method, path in (("GET", f"{name}/interactions"), ("POST", f"{name}/end"), ("DELETE", name)):
            assert "There is no session" in refused(client.request(method, f"/sessions/{path}"), 404)


def test_what_can_name_no_session_is_refused_in_a_body(client: httpx.Client) -> None:
    nothings: list[Any] = [0, -1, 2**63, 1.5, True, "", "x" * 201, []]
    for session_id in nothings:
        assert refused(client.post("/chat/send", json={"message": "Hello", "session_id": session_id}), 422)


def test_a_session_that_has_the_name_of_a_route_can_be_deleted(agent: Agent, client: httpx.Client) -> None:
    for name in ("start", "current", "history"):
        agent.conversation(name)
        got(client.delete(f"/sessions/{name}"))
    assert agent.sessions().sessions == ()


# The fourth back end


def test_the_fourth_creates_a_session_and_continues_it(agent: Agent, client: httpx.Client) -> None:
    first = got(client.post("/api/generate/", json={"prompt": "Hello"}))
    assert sorted(first) == ["response", "session_id"]
    assert first["response"] == "You said: Hello. I remember 1 messages."
    assert str(uuid.UUID(first["session_id"])) == first["session_id"]
    second = got(client.post("/api/generate/", json={"prompt": "And?", "session_id": first["session_id"]}))
    assert second == {"response": "You said: And?. I remember 3 messages.", "session_id": first["session_id"]}
    assert agent.find(first["session_id"]).window_turns == 10


def test_the_fourth_takes_the_id_that_its_page_made_up(client: httpx.Client) -> None:
    ours = str(uuid.uuid4())
    assert got(client.post("/api/generate/", json={"prompt": "Hello", "session_id": ours}))["session_id"] == ours
    for nothing in (None, ""):
        said = got(client.post("/api/generate/", json={"prompt": "Hello", "session_id": nothing}))
        assert said["session_id"] not in {ours, "", None}


def test_the_fourth_sets_the_window_where_one_is_given_and_leaves_it_otherwise(
    make_agent: Make, open_client: Open
) -> None:
    agent = make_agent(window_turns=2)
    client = open_client(agent)

    def window(name: str, **more: Any) -> int:
        got(client.post("/generate/", json={"prompt": "Hello", "session_id": name, **more}))
        return agent.find(name).window_turns

    agent.conversation("other").configure(window_turns=7)
    assert window("other") == 7
    assert window("other", max_history=None) == 7
    assert window("other", max_history=3) == 3
    assert window("other", max_history=10) == 10
    assert window("new") == 10
    assert window("newer", max_history=0) == 0
    for nonsense in (-1, 1001, 2**64, "many"):
        refused(client.post("/generate/", json={"prompt": "Hello", "max_history": nonsense}), 422)


def test_the_fourth_gives_the_history_of_a_session_and_clears_it(agent: Agent, client: httpx.Client) -> None:
    named = {"session_id": "lisbon"}
    client.post("/api/generate/", json={"prompt": "Olá! 你好 👋", **named})
    history = got(client.post("/api/get_history/", json=named))["history"]
    assert [(message["sender"], message["content"]) for message in history] == [
        ("Human", "Olá! 你好 👋"),
        ("AI", "You said: Olá! 你好 👋. I remember 1 messages."),
    ]
    assert in_utc(history[0]["timestamp"]) <= in_utc(history[1]["timestamp"])
    assert got(client.post("/api/clear_history/", json=named))["session_id"] == "lisbon"
    assert got(client.post("/api/get_history/", json=named)) == {"history": []}
    assert agent.find("lisbon").session.message_count == 0
    for route in ("get_history", "clear_history"):
        assert refused(client.post(f"/api/{route}/", json={"session_id": "none"}), 404)


def test_the_fourth_lists_all_sessions_the_last_used_first(make_agent: Make, open_client: Open, clock: Clock) -> None:
    agent = make_agent(clock=clock)
    client = open_client(agent)
    for name in ("pinned", "archived", "ended", "last"):
        got(client.post("/api/generate/", json={"prompt": f"About {name}", "session_id": name}))
        clock.forward(minutes=1)
    agent.find("pinned").pin()
    agent.find("archived").archive()
    agent.find("ended").end()
    names = got(client.get("/api/session_names/"))
    assert [session["session_id"] for session in names] == ["last", "ended", "archived", "pinned"]
    assert (names[0]["chat_name"], names[0]["message_count"]) == ("About last", 2)
    assert in_utc(names[0]["created_at"]) <= in_utc(names[0]["last_activity"]) < clock.now
    assert sorted(names[0]) == ["chat_name", "created_at", "last_activity", "message_count", "session_id"]


def test_the_fourth_lists_more_sessions_than_one_page_holds(agent: Agent, client: httpx.Client) -> None:
    for number in range(205):
        agent.conversation(f"session {number}")
    assert len(got(client.get("/api/session_names/"))) == 205
    assert got(client.get("/api/sessions/"))["count"] == 205
    newest = got(client.get("/sessions/history"))
    assert [session["session_id"] for session in newest] == [f"session {number}" for number in range(204, -1, -1)]


def test_the_fourth_says_which_sessions_are_active_and_how_many(agent: Agent, client: httpx.Client) -> None:
    for name in ("one", "two", "ended"):
        agent.conversation(name)
    agent.find("ended").end()
    said = got(client.get("/api/sessions/"))
    assert sorted(said["active_sessions"]) == ["one", "two"]
    assert said["count"] == 2


def test_the_fourth_deletes_a_session(agent: Agent, client: httpx.Client) -> None:
    agent.conversation("Reise nach Köln").send("Hello")
    deleted = client.delete("/api/sessions/Reise nach Köln")
    assert deleted.is_success
    assert got(deleted)["session_id"] == "Reise nach Köln"
    assert refused(client.delete("/api/sessions/Reise nach Köln"), 404)


def test_the_fourth_has_statistics_and_cleans_up(make_agent: Make, open_client: Open, clock: Clock) -> None:
    agent = make_agent(clock=clock)
    client = open_client(agent)

    def begin(*names: str) -> None:
        for name in names:
            got(client.post("/api/generate/", json={"prompt": "Hello", "session_id": name}))

    begin("old", "old but pinned")
    agent.find("old but pinned").pin()
    clock.forward(days=20)
    begin("middle", "between")
    clock.forward(days=5)
    begin("mine")
    clock.forward(days=10)
    begin("new")
    assert got(client.get("/api/session_stats/")) == {"total_sessions": 6, "total_messages": 12, "recent_sessions": 1}
    assert got(client.post("/api/cleanup_sessions/")) == {"deleted_count": 1}
    assert got(client.post("/api/cleanup_sessions/", json={"days_old": 14})) == {"deleted_count": 2}
    assert got(client.post("/api/cleanup_sessions/?days_old=9")) == {"deleted_count": 1}
    assert got(client.post("/api/cleanup_sessions/", json={})) == {"deleted_count": 0}
    names = [session["session_id"] for session in got(client.get("/api/session_names/"))]
    assert names == ["new", "old but pinned"]
    for days in ("0", "-1", "nan", "1e9", "soon"):
        assert refused(client.post(f"/api/cleanup_sessions/?days_old={days}"), 422)
        assert refused(client.post("/api/cleanup_sessions/", json={"days_old": days}), 422)


def test_the_fourths_look_at_its_health_is_answered(client: httpx.Client) -> None:
    assert got(client.get("/api/health")) == {"status": "ok"}


# All of them

ROUTES: list[tuple[str, str, Json | None]] = [
    ("POST", "/chat", {"session_id": "lisbon", "message": "Hello"}),
    ("POST", "/chat", {"user_message": "Hello", "session_id": "lisbon"}),
    ("GET", "/chat/history/lisbon", None),
    ("GET", "/chat/history/lisbon/stats", None),
    ("POST", "/sessions/start", {}),
    ("GET", "/sessions/current", None),
    ("GET", "/sessions/recent", None),
    ("GET", "/sessions/history", None),
    ("GET", "/sessions/lisbon/interactions", None),
    ("POST", "/chat/send", {"message": "Hello"}),
    ("POST", "/sessions/lisbon/end", None),
    ("POST", "/generate/", {"prompt": "Hello", "session_id": "lisbon"}),
    ("POST", "/get_history/", {"session_id": "lisbon"}),
    ("POST", "/clear_history/", {"session_id": "lisbon"}),
    ("GET", "/session_names/", None),
    ("GET", "/sessions/", None),
    ("GET", "/session_stats/", None),
    ("POST", "/cleanup_sessions/", None),
    ("DELETE", "/sessions/lisbon", None),
]


def test_every_route_is_reached_at_the_root_and_under_api_with_and_without_a_slash(
    agent: Agent, client: httpx.Client
) -> None:
    for method, path, body in ROUTES:
        plain = path.removesuffix("/")
        for spelled in (plain, f"{plain}/", f"/api{plain}", f"/api{plain}/"):
            agent.conversation("lisbon").reopen()
            assert got(client.request(method, spelled, json=body)) is not None


SENDING: list[tuple[str, Json]] = [
    ("/chat", {"session_id": "lisbon", "message": "Hello"}),
    ("/chat", {"session_id": "lisbon", "user_message": "Hello"}),
    ("/chat/send", {"session_id": "lisbon", "message": "Hello"}),
    ("/generate/", {"session_id": "lisbon", "prompt": "Hello"}),
]


def test_a_session_that_still_answers_is_busy_for_all_and_can_be_read_by_all(
    busy: tuple[Agent, httpx.Client, Reply],
) -> None:
    agent, client, reply = busy
    for path, body in SENDING:
        assert "is still answering" in refused(client.post(path, json=body), 409)
    assert "is still answering" in refused(client.post("/clear_history/", json={"session_id": "lisbon"}), 409)
    assert got(client.get("/chat/history/lisbon")) == []
    assert got(client.get("/chat/history/lisbon/stats"))["total_messages"] == 0
    (said,) = got(client.post("/get_history/", json={"session_id": "lisbon"}))["history"]
    assert said["sender"] == "Human"
    (interaction,) = got(client.get("/sessions/lisbon/interactions"))
    assert interaction["interaction_metadata"]["status"] == "running"
    assert got(client.get("/debug/sessions"))["total_messages"] == 0

    other = got(client.post("/chat", json={"session_id": "other", "message": "Hi"}))
    assert other["reply"] == "You said: Hi. I remember 1 messages."
    got(client.delete("/sessions/lisbon"))
    assert not reply.running
    assert [session.session_id for session in agent.sessions().sessions] == ["other"]


def test_a_session_that_was_ended_is_reopened_by_all_but_the_third(agent: Agent, client: httpx.Client) -> None:
    chat = agent.conversation("lisbon")
    for path, body in SENDING:
        chat.end()
        got(client.post(path, json=body))
        assert (chat.session.ended_at is None) == (path != "/chat/send")
    assert len(chat.turns(10)) == 3


def test_a_model_that_cannot_be_reached_is_a_sentence_and_the_prompt_is_kept(
    make_agent: Make, open_client: Open
) -> None:
    agent = make_agent(model="ollama:llama3.2")
    client = open_client(agent)
    for path, body in SENDING:
        agent.conversation("lisbon")
        assert "Ollama" in refused(client.post(path, json=body), 503)
    assert [turn.prompt for turn in agent.find("lisbon").turns(10)] == ["Hello"] * 4
    entries = got(client.get("/chat/history/lisbon"))
    assert [entry["bot_reply"] for entry in entries] == [""] * 4
    (first, *_) = got(client.get("/sessions/lisbon/interactions"))
    assert first["interaction_metadata"]["status"] == "failed"


def test_what_is_not_json_is_refused_in_the_same_way(client: httpx.Client) -> None:
    sent = client.post("/chat", content="{", headers={"Content-Type": "application/json"})
    assert refused(sent, 400)
    assert refused(client.get("/chat"), 405)


def test_what_one_says_by_one_back_end_is_read_by_the_others(client: httpx.Client) -> None:
    client.post("/chat", json={"session_id": "s", "message": "By the first"})
    client.post("/chat", json={"session_id": "s", "user_message": "By the second", "user_name": "Ann"})
    client.post("/chat/send", json={"message": "By the third"})
    client.post("/generate/", json={"session_id": "s", "prompt": "By the fourth"})
    client.post("/v1/sessions/s/turns", json={"prompt": "By version 1"})
    asked = ["By the first", "By the second", "By the third", "By the fourth", "By version 1"]
    entries = got(client.get("/chat/history/s"))
    assert [entry["user_message"] for entry in entries] == asked
    assert [entry["user_name"] for entry in entries] == ["User", "Ann", "User", "User", "User"]
    assert [entry["user_question"] for entry in got(client.get("/sessions/s/interactions"))] == asked
    turns = got(client.get("/v1/sessions/s/turns"))["turns"]
    assert [turn["prompt"] for turn in turns] == asked
    assert turns[1]["data"] == {"user_name": "Ann"}


def test_many_who_wait_for_slow_replies_keep_nobody_else_waiting(make_agent: Make, open_client: Open) -> None:
    many = 60  # More than the pool of threads has.
    agent = make_agent(echo_words_per_second=4)
    client = open_client(agent)
    with ExitStack() as waiting:
        for number in range(many):
            waiting.enter_context(asked_and_left(client, {"prompt": "word " * 400, "session_id": f"s{number}"}))
        deadline = time.monotonic() + 20
        while agent.running < many and time.monotonic() < deadline:
            time.sleep(0.05)
        assert agent.running == many
        began = time.monotonic()
        assert len(got(client.get("/session_names/"))) == many
        assert time.monotonic() - began < 3
        for number in range(many):
            if running := agent.find(f"s{number}").running:
                running.stop()


def asked_and_left(client: httpx.Client, body: Json) -> socket.socket:
    """A connection on which somebody waits for a reply."""
    sent = client.build_request("POST", "/generate/", json=body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items())
    opened = socket.create_connection((client.base_url.host, client.base_url.port or 80))
    opened.sendall(f"POST /generate/ HTTP/1.1\r\n{lines}\r\n".encode() + sent.content)
    return opened
