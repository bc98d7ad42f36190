"""Our own document, read back: what was written is there again, and what we never wrote is refused with the reason."""

import base64
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Attached, Image, Mark, Message, Outcome, Sender, Status
from storage.database import Database
from storage.transfer import Talk
from storage.transfer.document import to_document
from storage.transfer.giving import give
from storage.transfer.talk import TalkMessage, TalkText, TalkTurn
from storage.transfer.texts import Unreadable
from storage.transfer.understanding import understood
from tests.conftest import Ledger
from tests.talks import talks
from tests.test_transfer_nonsense import NONSENSE, places_in

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n\x1a\n and so on"
DIGEST = sha256(PICTURE).hexdigest()
IMAGE = Image("tower.png", "image/png", DIGEST, len(PICTURE))


def said(sender: Sender, content: str, full: dict[str, Any] | None = None) -> TalkMessage:
    return TalkMessage(sender, content, AT, full)


def turn(parent: int | None, *messages: TalkMessage, **more: Any) -> TalkTurn:
    return TalkTurn(parent, messages, AT, closed_at=AT, **more)


TALK = Talk(
    source=f"windowseat:lisbon:{AT.isoformat()}",
    session_id="lisbon",
    title="Lisbon",
    created_at=AT,
    last_activity=AT,
    turns=(
        turn(None, said(Sender.HUMAN, "See", Message.prompt("See", [IMAGE]).full), tip=1),
        turn(0, said(Sender.HUMAN, "One"), said(Sender.AI, "Two", Message.reply("Two", "Hm").full), mark=Mark.PINNED),
        turn(0, said(Sender.HUMAN, "Three"), idempotency_key="a", rating=1, receipt=[10, 1, 2], data={"user": "Ada"}),
    ),
    head=2,
    tags=("city trip", "work"),
    settings={"system_prompt": {"version": 2, "text": "Be kind"}},
    texts=(TalkText("system_prompt", 1, "Be short", AT), TalkText("system_prompt", 2, "Be kind", AT)),
    told=((1, said(Sender.SYSTEM, "Go")),),
    images={DIGEST: PICTURE},
    forked_from=("porto", 3),
)


def written(talk: Talk = TALK) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(to_document(talk), ensure_ascii=False).encode())
    return document


def reason(document: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        understood(document)
    assert re.fullmatch(r"[^\n]{10,300}\.", str(caught.value))
    return str(caught.value)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(talks())
def test_a_session_is_the_same_after_it_was_written_and_read_in_every_field(talk: Talk) -> None:
    found = understood(written(talk))
    assert found == talk
    assert repr(found) == repr(talk)


def test_whatever_a_store_gives_is_read_back(ledger: Ledger, each_url: str) -> None:
    store, here = ledger.store, ("local", "lisbon")
    first = ledger.turn(prompt="One", reply="Two")
    store.sessions.set(*here, {"system_prompt": "Be kind", "summary": "Short", "parameters": {"top_p": 0.5}})
    store.sessions.set(*here, {"system_prompt": ""})
    shown = Message.prompt("See", [IMAGE])
    opened = store.turns.open(
        *here,
        shown,
        model="echo",
        window=3,
        process_id=ledger.process,
        idempotency_key="",
        attached=Attached(images={DIGEST: PICTURE}, data='{"user": "Ada"}'),
        receipt=lambda _: {"row": [10, 1, 1]},
    )
    reply = Message.reply("So", "Hm")
    store.turns.close(opened, Outcome(Status.FAILED, (reply,), first_text_at=AT, output_tokens=0, error=""))
    ledger.turn(prompt="Three", beside=opened.id)
    store.branches.switch(*here, opened.id)
    store.turns.append(*here, [Message(Sender.SYSTEM, "Go on"), Message(Sender.HUMAN, "Four"), Message(Sender.AI, "")])
    store.marks.mark(*here, first.id, Mark.EXCLUDED)
    store.marks.rate(*here, opened.id, -1)
    store.labels.tag(*here, "Work", "city trip")
    store.labels.end(*here)
    store.branches.fork(*here, "porto")
    ledger.open("porto", "Still running")
    store.sessions.start("local", "empty")
    store.sessions.start("local", "headless")
    store.turns.append("local", "headless", [Message(Sender.SYSTEM, "Be"), Message(Sender.AI, "Welcome")])
    database = Database(each_url)
    given = list(give(database, "local"))
    database.close()
    assert [len(talk.turns) for talk in given] == [4, 4, 0, 1]
    assert [understood(written(talk)) for talk in given] == given


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change: at the end of the path stands this."""

    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


def dropped(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dropped("session_id"), "“session_id” is missing."),
        (put("session_id", value=""), "“session_id” is empty."),
        (put("session_id", value=7), "“session_id” is no text."),
        (put("session_id", value="é" * 501), "“session_id” is longer than 1,000 bytes."),
        (put("title", value=None), "“title” is no text."),
        (put("title", value="a\0b"), "“title” holds a NUL character or half of a character, which no database keeps."),
        (put("title", value="a\udfff"), "“title” holds a NUL"),
        (put("mood", value=1), "It has a field “mood” that this Windowseat does not know: a newer one may read it."),
        (put("a\n\ud800", value=1), "It has a field “a”"),
        (put("source", value="x"), "It has a field “source”"),
        (put("pinned", value=1), "“pinned” is neither true nor false."),
        (put("created_at", value=1777896000), "“created_at” is no moment such as 2026-05-04T12:00:00.000000Z"),
        (dropped("last_activity"), "“last_activity” is missing."),
        (put("tags", value={"a": 1}), "“tags” is no list."),
        (put("tags", 0, value="Work"), "Tag 0: It is not on one line in lower case."),
        (put("tags", 1, value="city trip"), "The tag “city trip” stands there twice."),
        (put("settings", value=[]), "“settings” is no object."),
        (put("settings", "n", value=math.nan), "“settings” holds NaN or Infinity, which is no number in JSON."),
        (put("settings", "n", value="\ud800"), "“settings” holds half of a character, which no database keeps."),
        (put("settings", "system_prompt", value="Be kind"), "Its “settings” have another “system_prompt” than"),
        (put("settings", "system_prompt", "version", value=True), "Its “settings” have another “system_prompt”"),
        (put("settings", "summary", value={"version": 1, "text": ""}), "Its “settings” have another “summary” than"),
        (put("texts", 1, "version", value=1), "The version “system_prompt 1” stands there twice."),
        (put("texts", 0, "version", value=0), "Text 0: “version” counts from 1."),
        (put("texts", 0, "kind", value="poem"), "Text 0: “kind” is none of system_prompt, summary."),
        (put("texts", value=[]), "Its “settings” have another “system_prompt” than its “texts”."),
        (put("told", value=[{**written()["told"][0], "turns_before": before} for before in (2, 1)]), "not in order."),
        (put("told", 0, "turns_before", value=4), "System message 0: “turns_before” is 4, but there are only 3 turns."),
        (put("told", 0, "sender", value="AI"), "System message 0: “sender” is not System."),
        (put("images", DIGEST, value="!"), f"Its image “{DIGEST[:60]}” is not in base64."),
        (put("images", DIGEST, value=7), "is not in base64."),
        (put("images", DIGEST, value="é"), "is not in base64."),
        (put("images", DIGEST, value="aGk="), "is another one than its digest says: the file is damaged."),
        (put("images", value={}), "An image that it names is missing: “tower.png”."),
        (put("forked_from", value={"session_id": "a"}), "“turn” is missing."),
        (put("forked_from", value=["a", 1]), "It is no object."),
        (put("head", value=3), "“head” is none of its turns."),
        (put("head", value=-1), "“head” is no whole number that is kept."),
        (dropped("head"), "“head” is none of its turns."),
        (put("turns", value=[]), "System message 0:"),
        (put("turns", 1, value=[]), "Turn 1: It is no object."),
        (put("turns", 1, "parent", value=1), "Turn 1: “parent” is no turn before it."),
        (put("turns", 1, "parent", value="0"), "Turn 1: “parent” is no whole number that is kept."),
        (put("turns", 1, "parent", value=0.0), "Turn 1: “parent” is no whole number that is kept."),
        (put("turns", 1, "parent", value=None), "Turn 1: “parent” is no whole number that is kept."),
        (put("turns", 1, "tip", value=2), "Turn 1: “tip” is no turn below it."),
        (put("turns", 1, "tip", value=0), "Turn 1: “tip” is no turn below it."),
        (put("turns", 0, "tip", value=3), "Turn 0: “tip” is no turn below it."),
        (put("turns", 1, "messages", value=[]), "Turn 1: It does not begin with a prompt, nor with a reply."),
        (put("turns", 1, "messages", 0, "sender", value="System"), "Turn 1: It does not begin with a prompt"),
        (put("turns", 1, "messages", 1, "sender", value="Robot"), "Turn 1: message 1: “sender” is none of Human, AI"),
        (put("turns", 1, "messages", 1, "sender", value=[]), "Turn 1: message 1: “sender” is none of Human, AI"),
        (put("turns", 1, "messages", 1, "content", value=["a"]), "Turn 1: message 1: “content” is no text."),
        (put("turns", 1, "messages", 1, "position", value=1), "Turn 1: message 1: It has a field “position”"),
        (put("turns", 1, "messages", 1, "full", value="x"), "Turn 1: message 1: “full” is no object."),
        (put("turns", 1, "messages", 1, "full", value={"type": "ai"}), "“full” is no message of LangChain's."),
        (put("turns", 1, "messages", 1, "full", "data", value=[]), "“full” is no message of LangChain's."),
        (put("turns", 1, "status", value="running"), "Turn 1: It has no end."),
        (put("turns", 1, "status", value="lost"), "Turn 1: “status” is none of running, complete, stopped, failed"),
        (dropped("turns", 1, "closed_at"), "Turn 1: It has no end."),
        (put("turns", 1, "input_tokens", value=True), "Turn 1: “input_tokens” is no whole number that is kept."),
        (put("turns", 1, "input_tokens", value=-1), "Turn 1: “input_tokens” is no whole number that is kept."),
        (put("turns", 1, "output_tokens", value=2**31), "Turn 1: “output_tokens” is no whole number that is kept."),
        (put("turns", 1, "output_tokens", value=math.inf), "Turn 1: “output_tokens” is no whole number that is kept."),
        (put("turns", 1, "mark", value="starred"), "Turn 1: “mark” is none of pinned, excluded."),
        (put("turns", 1, "rating", value=2), "Turn 1: “rating” is neither 1 nor -1."),
        (put("turns", 1, "rating", value=1.0), "Turn 1: “rating” is neither 1 nor -1."),
        (put("turns", 1, "rating", value={}), "Turn 1: “rating” is neither 1 nor -1."),
        (put("turns", 1, "receipt", value=7), "Turn 1: “receipt” is neither an object nor a list."),
        (put("turns", 1, "data", value=[1]), "Turn 1: “data” is no object."),
        (put("turns", 1, "idempotency_key", value="a"), "The idempotency key “a” stands there twice."),
        (put("turns", 1, "model", value="m" * 1001), "Turn 1: “model” is longer than 1,000 bytes."),
    ],
)
def test_what_is_not_as_we_write_it_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    document = written()
    assert understood(document) == TALK
    change(document)
    assert words in reason(document)


@pytest.mark.parametrize(
    "written_so",
    [
        "2026-05-04",
        "2026-05-04T12:00:00Z",
        "2026-05-04T12:00:00.000000",
        "2026-05-04T12:00:00.000000+00:00",
        "2026-05-04T24:00:00.000000Z",
        "2026-02-30T12:00:00.000000Z",
        "1969-12-31T23:59:59.999999Z",
        "3000-01-01T00:00:00.000000Z",
        "0000-01-01T00:00:00.000000Z",
        "９026-05-04T12:00:00.000000Z",
        "",
        True,
        None,
    ],
)
def test_a_moment_is_written_in_one_way_and_one_that_no_computer_has_seen_is_none(written_so: Any) -> None:
    document = written() | {"created_at": written_so}
    assert "“created_at” is no moment" in reason(document)


@pytest.mark.parametrize("document", [None, [], "x", 7, True])
def test_what_is_no_object_is_no_session(document: Any) -> None:
    assert reason(document) == "It is no object."


def test_an_image_is_what_it_is_said_to_be() -> None:
    """Its kind goes out as a header: a page that comes as an image must not be served as a page."""
    page = b"<script>alert(1)</script>"
    html = {"media_type": "text/html"}
    others: list[tuple[bytes, dict[str, Any]]] = [(page, html), (page, {}), (PICTURE, html), (PICTURE, {"size": 1})]
    for content, other in others:
        document, digest = written(), sha256(content).hexdigest()
        named = {"digest": digest, "size": len(content), **other}
        document["images"] = {digest: base64.b64encode(content).decode()}
        document["turns"][0]["messages"][0]["full"]["data"]["content"][1] |= named
        assert reason(document) == "An image is not what it is said to be: “tower.png”."
    document = written()
    document["turns"][0]["messages"][0]["full"]["data"]["content"][1] |= {"name": 7}
    assert reason(document) == "An image has no name or size."


def test_what_the_agent_keeps_is_kept_whatever_it_says_but_not_nested_without_end() -> None:
    document = written()
    deep: Any = "x"
    for _ in range(99):
        deep = [deep]
    document["turns"][1]["data"] = {"deep": deep, "many": 10**100, "nul": "a\0"}
    found = understood(document)
    assert found.turns[1].data == document["turns"][1]["data"]
    document["turns"][1]["data"] = {"deep": [deep]}
    assert reason(document) == "Turn 1: “data” is nested more than 100 deep."


def test_only_so_many_turns_are_pinned() -> None:
    document = written() | {"turns": [dict(written()["turns"][1], parent=0) for _ in range(52)], "head": 0, "told": []}
    del document["turns"][0]["parent"]
    assert reason(document) == "It has more than 50 pinned turns."


def test_a_tree_of_any_shape_is_checked_in_a_moment() -> None:
    plain: dict[str, Any] = dict.fromkeys(("opened_at", "closed_at"), "2026-05-04T12:00:00.000000Z")
    plain |= {"status": "complete", "messages": [{"sender": "Human", "content": ""}], "tip": 49_999}
    rows = [plain | ({"parent": place - 1} if place else {}) for place in range(50_000)]
    document = written() | {"turns": rows, "head": 0}
    assert len(understood(document).turns) == 50_000
    rows[-1]["tip"] = 49_998
    assert reason(document) == "Turn 49999: “tip” is no turn below it."


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_nonsense_in_any_place_is_refused_or_kept_and_never_dropped(data: Any) -> None:
    document = written()
    for _ in range(data.draw(st.integers(1, 3))):
        held, name = data.draw(st.sampled_from(places_in(document)))
        held[name] = data.draw(NONSENSE)
    try:
        found = understood(document)
    except Unreadable:
        return
    assert json.dumps(written(found), sort_keys=True) == json.dumps(plain_of(document), sort_keys=True)


def plain_of(document: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that say nothing."""
    turns = [{name: of for name, of in one.items() if (name, of) != ("model", "")} for one in document["turns"]]
    shown = {name: of for name, of in (document | {"turns": turns}).items() if of not in ("", False, [], {})}
    return shown | ({"head": document["head"]} if "head" in document else {})
