"""Whatever stands in a conversation of another program: it is read, or there is a reason why not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.transfer import chatgpt, claude, open_webui
from storage.transfer.talk import Talk
from storage.transfer.texts import Unreadable
from tests import foreign_exports as foreign
from tests.foreign_exports import claude_message, open_webui_message

NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["p1", "top"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every field: what holds it, and its name in there."""
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        held = waiting.pop()
        names = held.keys() if isinstance(held, dict) else range(len(held))
        places += [(held, name) for name in names]
        waiting += [held[name] for name in names if isinstance(held[name], dict | list)]
    return places


RICH_CLAUDE = foreign.claude(
    claude_message("1", "human", "See", 1, attachments=[{"file_name": "a", "extracted_content": "b"}]),
    claude_message("2", "assistant", [{"type": "tool_use", "id": "1", "name": "n", "input": {}}], 2),
    claude_message("3", "assistant", [{"type": "tool_result", "tool_use_id": "1", "content": ["x"]}], 3),
)
RICH_OPEN_WEBUI = foreign.open_webui(
    open_webui_message("1", None, "user", [{"type": "text", "text": "x"}], 1, files=[{"name": "a"}]),
    open_webui_message("2", "1", "assistant", "", 2, output=[{"type": "function_call", "arguments": "{}"}]),
    open_webui_message("3", "2", "assistant", "a", 2, usage={"prompt_tokens": 1}, annotation={"rating": 1}, error={}),
)


@pytest.mark.parametrize(
    ("whole", "reader"),
    [(foreign.chatgpt_trip(), chatgpt.read), (RICH_CLAUDE, claude.read), (RICH_OPEN_WEBUI, open_webui.read)],
)
@given(data=st.data())
def test_nonsense_in_any_place_gives_a_conversation_or_a_reason(whole: Any, reader: Any, data: Any) -> None:
    conversation = json.loads(json.dumps(whole))
    for _ in range(data.draw(st.integers(1, 4))):
        held, name = data.draw(st.sampled_from(places_in(conversation)))
        held[name] = data.draw(NONSENSE)
    check(reader, conversation)


@given(st.lists(st.tuples(st.integers(-1, 12), st.sampled_from(["user", "assistant", "tool", "system"])), max_size=12))
def test_any_tree_gives_turns_whose_parents_come_first_and_loses_nothing(shape: list[tuple[int, str]]) -> None:
    nodes = [
        foreign.chatgpt_node(f"{place}", f"{parent}", role, f"text {place}")
        for place, (parent, role) in enumerate(shape)
    ]
    talk = check(chatgpt.read, foreign.chatgpt(*nodes))
    assert talk is not None
    told = {message.content for _, message in talk.told}
    kept = {message.content for turn in talk.turns for message in turn.messages}
    assert kept | told == {f"text {place}" for place in range(len(shape))}


def check(reader: Any, conversation: Any) -> Talk | None:
    try:
        talk: Talk = reader(conversation)
    except Unreadable:
        return None
    assert all(turn.parent is None or turn.parent < place for place, turn in enumerate(talk.turns))
    assert talk.head is None if not talk.turns else talk.head in range(len(talk.turns))
    assert all(turn.messages and turn.opened_at <= (turn.closed_at or turn.opened_at) for turn in talk.turns)
    texts = [talk.title, talk.source, *(message.content for turn in talk.turns for message in turn.messages)]
    assert not any("\0" in text for text in texts)
    assert "".join(texts).encode()
    json.dumps([message.full for turn in talk.turns for message in turn.messages], allow_nan=False)
    return talk
