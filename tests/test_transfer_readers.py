"""What becomes of the conversations of other programs: their turns, branches, models, dates and tool steps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import messages_from_dict

from storage import Sender, Status
from storage.transfer import chatgpt, claude, open_webui
from storage.transfer.reading import read
from storage.transfer.talk import Broken, Talk, TalkTurn
from storage.transfer.texts import Unreadable
from tests import foreign_exports as foreign
from tests.foreign_exports import chatgpt_node, claude_message, open_webui_message

BEGUN = datetime.fromtimestamp(foreign.BEGUN, UTC)


def said(turn: TalkTurn, sender: Sender = Sender.AI) -> str:
    return "".join(message.content for message in turn.messages if message.sender is sender)


def prompt(turn: TalkTurn) -> str:
    return said(turn, Sender.HUMAN)


def thought(turn: TalkTurn) -> list[Any]:
    wholes = [message.full for message in turn.messages if message.sender is Sender.AI and message.full]
    return [whole["data"]["additional_kwargs"]["reasoning_content"] for whole in wholes]


def outline(talk: Talk) -> list[tuple[int | None, str, str]]:
    return [(turn.parent, prompt(turn).split("\n")[0], said(turn)) for turn in talk.turns]


def test_branches_of_chatgpt_are_turns_beside_each_other_and_its_active_path_stays() -> None:
    talk = chatgpt.read(foreign.chatgpt_trip())
    assert outline(talk) == [
        (None, "What is this?", "Belém."),
        (0, "How high?", "30 m"),
        (0, "How high?", "35 m"),
        (0, "How old?", "500 years"),
    ]
    assert talk.head == 1


def test_chatgpt_keeps_names_dates_and_models() -> None:
    talk = chatgpt.read(foreign.chatgpt_trip())
    assert (talk.source, talk.session_id, talk.title) == ("chatgpt:c-1", "chatgpt-c-1", "Lisbon")
    assert (talk.created_at, talk.last_activity) == (BEGUN, BEGUN + timedelta(seconds=1000))
    assert [turn.model for turn in talk.turns] == ["o3", "gpt-5", "gpt-5-mini", "gpt-5"]
    assert talk.turns[0].opened_at == BEGUN + timedelta(seconds=1)
    assert talk.turns[0].closed_at == BEGUN + timedelta(seconds=5)


def test_hidden_messages_of_chatgpt_are_counted_and_left_out() -> None:
    talk = chatgpt.read(foreign.chatgpt_trip())
    assert talk.hidden == 1  # The empty system message says nothing to hide.
    assert "Ada" not in str(talk)


def test_attachments_and_images_are_named_in_the_last_line_of_the_prompt() -> None:
    talk = chatgpt.read(foreign.chatgpt_trip())
    assert prompt(talk.turns[0]) == "What is this?\n\n[Attached: tower.png, plan.pdf]"
    picture = {"parts": [{"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-9"}]}
    talk = chatgpt.read(foreign.chatgpt(chatgpt_node("p", "top", "user", picture)))
    assert prompt(talk.turns[0]) == "[Attached: image]"


def test_tool_steps_can_be_read_and_sent_to_a_model_again() -> None:
    steps = [one for one in chatgpt.read(foreign.chatgpt_trip()).turns[0].messages if one.sender is Sender.TOOL]
    assert [step.content for step in steps] == [
        'web.search: {"query": "tower"}',
        "Belém\nhttps://example.org\nA tower",
    ]
    call, result = messages_from_dict([step.full for step in steps if step.full])
    assert call.tool_calls[0]["args"] == {"query": "tower"}  # type: ignore[attr-defined]
    assert call.tool_calls[0]["id"] == result.tool_call_id  # type: ignore[attr-defined]


def test_a_tool_step_that_stands_alone_is_a_text_to_a_model() -> None:
    lonely = chatgpt_node("found", "p", "tool", "Nothing", name="web")
    steps = chatgpt.read(foreign.chatgpt(chatgpt_node("p", "top", "user", "Look"), lonely)).turns[0].messages[1:]
    assert [step.content for step in steps] == ["web: Nothing"]
    assert [one.text for one in messages_from_dict([step.full for step in steps if step.full])] == ["web: Nothing"]


def test_what_a_model_thought_belongs_to_the_reply_that_follows() -> None:
    assert thought(chatgpt.read(foreign.chatgpt_trip()).turns[0]) == ["Looking\nA tower."]
    thoughts = {"content_type": "thoughts", "thoughts": [{"content": "Hm"}]}
    talk = chatgpt.read(foreign.chatgpt(chatgpt_node("t", "top", "assistant", thoughts)))
    assert (thought(talk.turns[0]), said(talk.turns[0])) == (["Hm"], "")


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("So.\ue200cite\ue202turn0search1\ue202turn0search2\ue201", "So."),
        ('In \ue200entity\ue202["city","Lisbon","capital"]\ue201.', "In Lisbon."),
        ("See \ue200url\ue202this\ue202https://example.org\ue201", "See [this](https://example.org)"),
        ("Cut \ue200cite\ue202turn0", "Cut citeturn0"),
    ],
)
def test_marks_of_citations_are_taken_out(marked: str, shown: str) -> None:
    talk = chatgpt.read(foreign.chatgpt(chatgpt_node("a", "top", "assistant", marked)))
    assert said(talk.turns[0]) == shown


def test_a_reply_without_a_prompt_begins_a_turn() -> None:
    talk = chatgpt.read(
        foreign.chatgpt(
            chatgpt_node("a", "top", "assistant", "Welcome", 1),
            chatgpt_node("p", "a", "user", "Hello", 2),
            chatgpt_node("p2", "p", "user", "Are you there?", 3),
        )
    )
    assert outline(talk) == [(None, "", "Welcome"), (0, "Hello", ""), (1, "Are you there?", "")]
    assert talk.turns[0].messages[0].sender is Sender.AI


def test_a_branch_in_the_middle_of_a_reply_is_a_turn_with_all_that_came_before() -> None:
    talk = chatgpt.read(
        foreign.chatgpt(
            chatgpt_node("p", "top", "user", "Tell", 1),
            chatgpt_node("a", "p", "assistant", "One. ", 2),
            chatgpt_node("b", "a", "assistant", "Two.", 3),
            chatgpt_node("c", "a", "assistant", "Three.", 4),
            chatgpt_node("q", "a", "user", "Go on", 5),
            current="q",
        )
    )
    assert outline(talk) == [
        (None, "Tell", "One. "),
        (None, "Tell", "One. Two."),
        (None, "Tell", "One. Three."),
        (0, "Go on", ""),
    ]
    assert talk.head == 3


@pytest.mark.parametrize("current", [None, "gone", "top", 7])
def test_where_the_head_is_not_said_it_is_the_newest_leaf(current: Any) -> None:
    trip = foreign.chatgpt_trip() | {"current_node": current}
    assert chatgpt.read(trip).head == 3


def test_a_head_in_the_middle_of_a_reply_is_its_turn() -> None:
    assert chatgpt.read(foreign.chatgpt_trip() | {"current_node": "call"}).head == 0
    assert chatgpt.read(foreign.chatgpt_trip() | {"current_node": "p2"}).head == 2


def test_a_circle_is_cut_and_an_orphan_begins_a_tree() -> None:
    talk = chatgpt.read(
        foreign.chatgpt(
            chatgpt_node("p", "b", "user", "One", 1),
            chatgpt_node("a", "p", "assistant", "Two", 2),
            chatgpt_node("q", "a", "user", "Three", 3),
            chatgpt_node("b", "q", "assistant", "Four", 4),
            chatgpt_node("orphan", "gone", "user", "Five", 5),
            chatgpt_node("self", "self", "user", "Six", 6),
        )
    )
    assert outline(talk) == [
        (None, "One", "Two"),
        (0, "Three", "Four"),
        (None, "Five", ""),
        (None, "Six", ""),
    ]


def test_a_node_that_names_no_parent_is_below_the_one_that_lists_it() -> None:
    trip = foreign.chatgpt(chatgpt_node("p", "top", "user", "One"), chatgpt_node("a", "p", "assistant", "Two"))
    del trip["mapping"]["a"]["parent"]
    trip["mapping"]["p"]["children"] = ["a"]
    assert outline(chatgpt.read(trip)) == [(None, "One", "Two")]


def test_what_was_cut_off_says_so() -> None:
    def status(**more: Any) -> Status:
        return chatgpt.read(foreign.chatgpt(chatgpt_node("a", "top", "assistant", "So", **more))).turns[0].status

    assert status(status="in_progress") is Status.INTERRUPTED
    assert status(metadata={"finish_details": {"type": "interrupted"}}) is Status.STOPPED


@pytest.mark.parametrize("broken", [{"mapping": []}, {"mapping": {"a": 1}}, {"mapping": {"a": {"message": "x"}}}])
def test_messages_that_are_none_break_the_conversation(broken: Any) -> None:
    with pytest.raises(Unreadable):
        chatgpt.read(foreign.chatgpt() | broken)


def test_the_list_of_claude_is_one_path_and_its_parents_are_branches() -> None:
    one, two = claude_message("1", "human", "Hello", 1), claude_message("2", "assistant", "Hi", 2)
    assert outline(claude.read(foreign.claude(one, two))) == [(None, "Hello", "Hi")]
    talk = claude.read(
        foreign.claude(
            one | {"parent_message_uuid": foreign.CLAUDE_ROOT},
            two | {"parent_message_uuid": "1"},
            claude_message("3", "assistant", "Hey", 3, parent_message_uuid="1"),
            claude_message("4", "human", "Ho", 4, parent_message_uuid="2"),
            current_leaf_message_uuid="3",
            model="claude-opus",
            is_starred=True,
        )
    )
    assert outline(talk) == [(None, "Hello", "Hi"), (None, "Hello", "Hey"), (0, "Ho", "")]
    assert (talk.head, talk.pinned, talk.source, talk.session_id) == (1, True, "claude:d-1", "claude-d-1")
    assert [turn.model for turn in talk.turns] == ["claude-opus", "claude-opus", ""]
    assert talk.turns[0].opened_at == datetime(2025, 10, 9, 9, 1, 0, 500_000, UTC)


def test_what_claude_read_of_an_attachment_stays_below_its_name() -> None:
    files = {
        "attachments": [{"file_name": "notes.txt", "extracted_content": "Pack light"}, {"file_name": "plan.pdf"}],
        "files": [{"file_name": "photo.png"}],
    }
    talk = claude.read(foreign.claude(claude_message("1", "human", "See", 1, **files)))
    assert prompt(talk.turns[0]) == "See\n\n[Attached: notes.txt]\nPack light\n\n[Attached: plan.pdf, photo.png]"


def test_what_claude_says_is_in_its_blocks_or_else_in_its_text() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm", "summaries": []},
        {"type": "tool_use", "id": "t1", "name": "search", "input": {"q": "x"}},
        {"type": "tool_use", "id": "t2", "name": "fetch", "input": {"u": "y"}},
        {"type": "tool_result", "tool_use_id": "t1", "name": "search", "content": [{"type": "text", "text": "Found"}]},
        {"type": "tool_result", "tool_use_id": "t2", "name": "fetch", "content": "No", "is_error": True},
        {"type": "text", "text": "So."},
    ]
    human, old = claude_message("1", "human", [], 1, text="Hello"), claude_message("3", "human", "Now?", 3)
    talk = claude.read(
        foreign.claude(human, claude_message("2", "assistant", blocks, 2), old, claude_message("4", "assistant", [], 4))
    )
    assert outline(talk) == [(None, "Hello", "So."), (0, "Now?", "")]
    assert thought(talk.turns[0]) == ["Hm"]
    steps = [message.content for message in talk.turns[0].messages if message.sender is Sender.TOOL]
    assert steps == ['search: {"q": "x"}', "Found", 'fetch: {"u": "y"}', "No"]


def test_a_message_that_stands_twice_is_kept_once_and_another_of_its_name_too() -> None:
    one, two = claude_message("1", "human", "Hello", 1), claude_message("2", "assistant", "Hi", 2)
    other = claude_message("2", "assistant", "Hi!", 3)
    assert outline(claude.read(foreign.claude(one, one, two, two))) == [(None, "Hello", "Hi")]
    assert outline(claude.read(foreign.claude(one, two, other))) == [(None, "Hello", "HiHi!")]


def test_open_webui_keeps_branches_marks_and_counts() -> None:
    talk = open_webui.read(
        foreign.open_webui(
            open_webui_message("1", None, "user", "Hello", 1, models=["llama3:8b", "qwen"]),
            open_webui_message(
                "2",
                "1",
                "assistant",
                "Hi",
                2,
                model="llama3:8b",
                annotation={"rating": 1},
                usage={"prompt_tokens": 12, "completion_tokens": 3},
            ),
            open_webui_message("3", "1", "assistant", "", 3, model="qwen", error={"content": "Out of memory"}),
            open_webui_message("4", "2", "user", "More", 4, files=[{"type": "file", "file": {"filename": "a.csv"}}]),
            open_webui_message("5", "4", "assistant", "Well", 5, done=False),
            current="3",
            pinned=True,
            archived=True,
            meta={"tags": ["Work", "work", "city trip"]},
        )
    )
    assert outline(talk) == [(None, "Hello", "Hi"), (None, "Hello", ""), (0, "More", "Well")]
    assert (talk.head, talk.pinned, talk.archived, talk.tags) == (1, True, True, ("work", "city trip"))
    assert [turn.model for turn in talk.turns] == ["llama3:8b", "qwen", "llama3:8b"]
    assert [turn.status for turn in talk.turns] == [Status.COMPLETE, Status.FAILED, Status.INTERRUPTED]
    assert (talk.turns[0].rating, talk.turns[0].input_tokens, talk.turns[0].output_tokens) == (1, 12, 3)
    assert talk.turns[1].error == "Out of memory"
    assert prompt(talk.turns[2]) == "More\n\n[Attached: a.csv]"


def test_details_of_open_webui_are_thinking_and_tool_steps() -> None:
    content = (
        '<details type="reasoning" done="true" duration="2">\n<summary>Thought</summary>\n&gt; Is it 1 &lt; 2?\n'
        '&gt; Yes.\n</details>\n<details type="tool_calls" done="true" id="c1" name="weather" '
        'arguments="&quot;{\\&quot;city\\&quot;: \\&quot;Oslo\\&quot;}&quot;" result="&quot;Sunny&quot;">\n'
        "<summary>Tool Executed</summary>\n</details>\nIt is sunny. <details>mine</details>"
    )
    (turn,) = open_webui.read(foreign.open_webui(open_webui_message("1", None, "assistant", content, 1))).turns
    assert thought(turn) == ["Is it 1 < 2?\nYes."]
    assert said(turn) == "It is sunny. <details>mine</details>"
    assert [step.content for step in turn.messages if step.sender is Sender.TOOL] == [
        'weather: {"city": "Oslo"}',
        "Sunny",
    ]


def test_details_without_an_end_are_text() -> None:
    content = '<details type="reasoning" done="true">\nHm'
    (turn,) = open_webui.read(foreign.open_webui(open_webui_message("1", None, "assistant", content, 1))).turns
    assert said(turn) == content


def test_the_output_of_open_webui_says_what_its_content_does_not() -> None:
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
        {"type": "function_call", "call_id": "c", "name": "clock", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "noon"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Noon."}]},
    ]
    for content in ("Noon.", ""):
        message = open_webui_message("1", None, "assistant", content, 1, output=output)
        (turn,) = open_webui.read(foreign.open_webui(message)).turns
        assert (thought(turn), said(turn), said(turn, Sender.TOOL)) == (["Hm"], "Noon.", "clock: {}noon")


def test_parents_decide_where_the_lists_of_children_say_otherwise() -> None:
    """As in chats that Open WebUI took over from ChatGPT."""
    talk = open_webui.read(
        foreign.open_webui(
            open_webui_message("1", None, "user", "One", 1, childrenIds=["2", "3"]),
            open_webui_message("2", "1", "assistant", "Two", 2),
            open_webui_message("3", "2", "assistant", "Three", 3),
        )
    )
    assert outline(talk) == [(None, "One", "TwoThree")]


def test_a_bare_chat_and_one_with_a_list_only_are_read_and_told_apart() -> None:
    whole = foreign.open_webui(open_webui_message("1", None, "user", "One", 1))
    assert outline(open_webui.read(whole["chat"])) == [(None, "One", "")]
    listed = {"title": "x", "history": {}, "messages": [{"role": "user", "content": "1"}, {"role": "assistant"}]}
    other = {"title": "x", "history": {}, "messages": [{"role": "user", "content": "2"}]}
    talks = open_webui.read(listed), open_webui.read(other), open_webui.read(listed)
    assert outline(talks[0]) == [(None, "1", "")]
    assert talks[0].source == talks[2].source != talks[1].source


def test_system_messages_are_told_apart_from_turns() -> None:
    kind = open_webui.read(
        foreign.open_webui(
            open_webui_message("0", None, "system", "Be kind", 0), open_webui_message("1", "0", "user", "One", 1)
        )
    )
    assert ([(before, message.content) for before, message in kind.told], outline(kind)) == (
        [(0, "Be kind")],
        [(None, "One", "")],
    )


def test_a_system_message_knows_how_many_turns_began_before_it() -> None:
    talk = chatgpt.read(
        foreign.chatgpt(
            chatgpt_node("s", "top", "system", "Be kind", 0),
            chatgpt_node("p", "s", "user", "One", 1),
            chatgpt_node("a", "p", "assistant", "Two", 2),
            chatgpt_node("t", "a", "system", "Be brief", 3),
            chatgpt_node("q", "t", "user", "Three", 4),
            chatgpt_node("u", "q", "system", "Stop", 5),
        )
    )
    assert [(before, message.content) for before, message in talk.told] == [
        (0, "Be kind"),
        (1, "Be brief"),
        (2, "Stop"),
    ]
    assert talk.told[1][1].at == BEGUN + timedelta(seconds=3)


@pytest.mark.parametrize(
    "written",
    [
        1760000000,
        1760000000.0,
        "1760000000",
        1760000000000,
        "1760000000000",
        1760000000000000,
        "2025-10-09T08:53:20Z",
        "2025-10-09T08:53:20",
        "2025-10-09T10:53:20+02:00",
    ],
)
def test_a_date_is_the_same_however_it_is_written(written: Any) -> None:
    assert chatgpt.read(foreign.chatgpt() | {"create_time": written}).created_at == datetime(
        2025, 10, 9, 8, 53, 20, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "soon",
        0,
        -5,
        True,
        [],
        1e300,
        "nan",
        "inf",
        "9" * 30,
        10**40,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-10:00",
        "1969-12-31T23:59:59Z",
    ],
)
def test_what_has_no_date_has_its_neighbours(written: Any) -> None:
    trip = foreign.chatgpt_trip() | {"create_time": written, "update_time": written}
    trip["mapping"]["p2"]["message"]["create_time"] = written
    talk = chatgpt.read(trip)
    assert talk.created_at == BEGUN + timedelta(seconds=1)
    assert talk.last_activity == BEGUN + timedelta(seconds=10)
    assert talk.turns[1].opened_at == BEGUN + timedelta(seconds=5)


def test_what_no_database_keeps_is_taken_out_of_every_text() -> None:
    called = {"content_type": "code", "text": '{"a": "\\u0000\\ud800b"}'}
    talk = chatgpt.read(
        foreign.chatgpt(
            chatgpt_node("p", "top", "user", "a\0b\ud800c"),
            chatgpt_node("call", "p", "assistant", called, recipient="t"),
            chatgpt_node("found", "call", "tool", "x\0", name="t"),
            title="T\0\udfff",
            id="i\0",
            conversation_id=None,
        )
    )
    assert (talk.title, talk.source, prompt(talk.turns[0])) == ("T", "chatgpt:i", "abc")
    assert "\\x00" not in repr(talk)
    assert "\\ud" not in repr(talk).replace("\\\\ud", "")


def test_what_only_looks_like_it_stays() -> None:
    blocks = [
        {"type": "tool_use", "id": "t", "name": "t", "input": {"a": "\\u0000", "b": "\\\0"}},
        {"type": "tool_result", "tool_use_id": "t", "content": "x"},
    ]
    (turn,) = claude.read(foreign.claude(claude_message("1", "assistant", blocks, 1))).turns
    assert turn.messages[0].full
    assert turn.messages[0].full["data"]["tool_calls"][0]["args"] == {"a": "\\u0000", "b": "\\"}


def test_a_name_that_fits_into_no_address_is_made_one() -> None:
    for name in ("../../etc/passwd", "a/b", "é" * 300, "x" * 5000):
        made = chatgpt.read(foreign.chatgpt() | {"conversation_id": name}).session_id
        assert made.isascii()
        assert len(made) <= 200
        assert "/" not in made
    assert chatgpt.read(foreign.chatgpt() | {"title": None}).title == ""


def test_what_comes_later_is_added_at_the_end() -> None:
    trip = foreign.chatgpt_trip()
    before = chatgpt.read(trip)
    late = chatgpt_node("late", "p2", "assistant", "40 m", 99)
    trip["mapping"] = {"late": late} | trip["mapping"]
    assert chatgpt.read(trip).turns[: len(before.turns)] == before.turns


def test_a_chain_of_fifty_thousand_messages_is_read() -> None:
    chain = [
        chatgpt_node(f"{place}", f"{place - 1}", "user" if place % 2 else "assistant", "x", place)
        for place in range(50_000)
    ]
    talk = chatgpt.read(foreign.chatgpt(*chain, current="49999"))
    assert len(talk.turns) == 25_001
    assert talk.head == 25_000


def test_a_name_that_no_database_can_look_for_breaks_the_conversation() -> None:
    node = chatgpt_node("a", "top", "assistant", "Hi", metadata={"model_slug": "m" * 1001})
    with pytest.raises(Unreadable, match="“model” is longer than 1,000 bytes"):
        chatgpt.read(foreign.chatgpt(node))
    long = [chatgpt.read(foreign.chatgpt() | {"conversation_id": "x" * 5000}) for _ in range(2)]
    assert long[0].source == long[1].source
    assert len(long[0].source) < 100


def test_branches_that_would_fill_the_store_break_the_conversation() -> None:
    steps = [chatgpt_node(f"{place}", f"{place - 1}", "assistant", "x", place) for place in range(2_000)]
    prompts = [chatgpt_node(f"p{place}", f"{place}", "user", "x", place) for place in range(2_000)]
    with pytest.raises(Unreadable, match="branches"):
        chatgpt.read(foreign.chatgpt(*steps, *prompts))


def test_one_bad_conversation_costs_only_itself_and_is_named(tmp_path: Path) -> None:
    good, bad = foreign.chatgpt_trip(), foreign.chatgpt_trip() | {"mapping": None, "title": "Bad one"}
    found = list(read(foreign.written(tmp_path, [good, bad, 7, good])))
    assert [type(one) for one in found] == [Talk, Broken, Broken, Talk]
    assert found[1] == Broken("“Bad one”, conversation 2", "Its messages are missing: “mapping” is no object.")
