"""The receipt tells the truth: what was sent can be made again from it, byte for byte, for every kind of turn."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent import Agent, Conversation, EchoModel, ImageFile, Mark, PromptRefused, Receipt, Verdict
from agent.context import Ask, choose_turns
from agent.receipt import judged
from agent.sending import message_as_sent, raw_message
from agent.tokens import Room, raw_tokens
from storage import Attached, Image, Message, Outcome, Past, Status, Store, Turn
from storage.history import ChatMessageHistory
from storage.langchain import to_stored
from storage.records import EPOCH
from tests.conftest import Ledger
from tests.ollama_server import Fault, Model, OllamaServer, Script
from tests.pictures import picture

Make = Callable[..., Agent]
PNG = picture()


class Listening(EchoModel):
    """Echo that keeps what it was sent."""

    heard: list[list[BaseMessage]]

    async def _astream(self, messages: list[BaseMessage], *more: Any, **named: Any) -> Any:
        self.heard.append(list(messages))
        async for chunk in super()._astream(messages, *more, **named):
            yield chunk


@pytest.fixture
def model() -> Listening:
    return Listening(heard=[])


@pytest.fixture
def chat(make_agent: Make, model: Listening) -> Conversation:
    return make_agent(models={"mine": model}, model="mine", window_turns=3).conversation("lisbon")


def as_sent(messages: Any) -> list[tuple[str, Any, Any]]:
    """All that a model is told by a message: what LangChain calls it is none of that."""
    return [(message.type, message.content, getattr(message, "tool_calls", [])) for message in messages]


def assert_made_again(chat: Conversation, sent: list[BaseMessage], turn_id: int) -> None:
    context = chat.context(turn_id)
    assert context is not None
    assert as_sent(context.messages) == as_sent(sent)


def test_every_turn_of_a_conversation_can_be_made_again_later(chat: Conversation, model: Listening, url: str) -> None:
    turns = [chat.send("One").turn_id]
    chat.configure(system_prompt="Be brief.", summary="They know Porto.")
    turns += [chat.send(prompt).turn_id for prompt in ("Two", "Three", "Four")]
    chat.configure(system_prompt="Be long.", summary="")
    chat.mark(turns[0], Mark.PINNED)
    turns.append(chat.send("Five, with a pinned one").turn_id)
    chat.mark(turns[3], Mark.EXCLUDED)
    chat.mark(turns[0], None)
    turns.append(chat.send("Six, with one excluded").turn_id)
    with Store(url) as store:
        ledger = Ledger(store)
        store.turns.close(ledger.open("lisbon", "Nothing came"), Outcome(Status.FAILED, error="No"))
        store.turns.close(ledger.open("lisbon", "Stopped"), Outcome(Status.STOPPED, (Message.reply("Once upon"),)))
    turns += [chat.send("After those").turn_id]
    turns += [chat.regenerate(turns[-1]).finish().turn_id, chat.edit(turns[2], "Another way").finish().turn_id]
    turns += [chat.continue_(turns[-1]).finish().turn_id]
    chat.switch(turns[-3])
    turns += [chat.send("And on").turn_id]
    ChatMessageHistory("lisbon", Store(url)).add_messages([HumanMessage("By LangChain"), AIMessage("Indeed")])
    turns += [chat.send("After LangChain").turn_id]

    assert len(turns) == len(model.heard)
    for turn_id, sent in zip(turns, model.heard, strict=True):
        assert_made_again(chat, sent, turn_id)


def test_an_interrupted_reply_to_which_text_was_added_late_is_made_again_as_it_was(
    chat: Conversation, model: Listening, url: str
) -> None:
    with Store(url) as store:
        ledger = Ledger(store)
        opened = ledger.open("lisbon", "Who died?")
        store.turns.close(opened, Outcome(Status.INTERRUPTED, (Message.reply("It was"),)))
        turn_id = chat.send("Well?").turn_id
        store.turns.close(opened, Outcome(Status.COMPLETE, (Message.reply("It was the butler."),)))
    assert chat.turns(2)[0].reply == "It was the butler."
    assert_made_again(chat, model.heard[-1], turn_id)


def test_a_fork_keeps_receipts_that_hold(chat: Conversation, model: Listening) -> None:
    for prompt in ("One", "Two", "Three"):
        chat.send(prompt)
    chat.mark(chat.turns(3)[0].id, Mark.PINNED)
    fork = chat.fork("porto")
    assert fork.turns(3)[0].mark is Mark.PINNED
    for turn, sent in zip(fork.turns(3), model.heard, strict=True):
        assert_made_again(fork, sent, turn.id)


def test_a_preview_is_what_is_sent_then(chat: Conversation, model: Listening) -> None:
    for prompt in ("One", "Two", "Three", "Four", "Five"):
        chat.send(prompt)
    chat.mark(chat.turns(5)[0].id, Mark.PINNED)
    preview = chat.preview("Six")
    reply = chat.send("Six")
    assert as_sent(preview.messages) == as_sent(model.heard[-1])
    assert reply.receipt is not None
    assert preview.receipt.to_json() == reply.receipt.to_json()
    assert reply.receipt.left_out == {"window": 1, "budget": 0, "excluded": 0, "empty": 0}
    assert reply.receipt.pinned == (1,)


def test_pinned_turns_count_only_on_their_own_branch(chat: Conversation) -> None:
    first = chat.send("One")
    for prompt in ("Two", "Three", "Four", "Five"):
        chat.send(prompt)
    chat.mark(first.turn_id, Mark.PINNED)
    assert chat.preview("Six").receipt.depths == [1, 3, 4, 5]
    chat.edit(first.turn_id, "Another one").finish()
    assert chat.preview("Two").receipt.depths == [1]
    assert chat.preview("Two").messages[0].text == "Another one"


class TestWithOllama:
    @pytest.fixture
    def agent(self, make_agent: Make, ollama: OllamaServer) -> Agent:
        return make_agent(model="ollama:llama3.2:3b", window_turns=100, ollama_host=ollama.url, context_tokens=2048)

    def test_the_context_length_is_asked_for_the_same_at_every_turn_and_looked_at_afterwards(
        self, agent: Agent, script: Script
    ) -> None:
        chat = agent.conversation("lisbon")
        receipts = [chat.send("word " * length).receipt for length in (1, 100, 500)]
        assert [sent["options"]["num_ctx"] for sent in script.chats] == [2048] * 3
        assert script.loads == [("llama3.2:3b", 2048)]
        assert script.shows == ["llama3.2:3b"]
        for receipt in receipts:
            assert receipt is not None
            assert (receipt.context_asked, receipt.context_loaded) == (2048, 2048)
            assert receipt.verdict is Verdict.COMPLETE

    def test_a_conversation_longer_than_the_context_never_reaches_the_server_over_its_length(
        self, agent: Agent, script: Script
    ) -> None:
        chat = agent.conversation("lisbon")
        for number in range(60):
            receipt = chat.send(f"Question {number}: " + "How far is it? 12,345 km! " * (number % 7)).receipt
            assert receipt is not None
            assert receipt.verdict is Verdict.COMPLETE
            assert sum(receipt.left_out.values()) + receipt.turns == number
            assert receipt.counted == script.tokens_of(script.chats[-1]["messages"])
        assert script.cuts == []
        assert receipt is not None
        assert receipt.beyond_budget > 0
        assert receipt.counted is not None
        assert receipt.estimated == pytest.approx(receipt.counted, rel=0.25)
        assert 700 < receipt.counted < 2048 - 1024

    @pytest.mark.parametrize("density", [0.6, 1.3])
    def test_what_the_server_counted_corrects_the_estimates_also_after_a_restart(
        self, make_agent: Make, ollama: OllamaServer, script: Script, density: float
    ) -> None:
        script.density = density
        settings = {"model": "ollama:llama3.2:3b", "ollama_host": ollama.url}
        for number in range(6):
            make_agent(**settings).conversation("lisbon").send(f"{number} trains go from here to there every day.")
        receipt = make_agent(**settings).conversation("lisbon").send("And how many is that in a week?").receipt
        assert receipt is not None
        assert receipt.estimated == pytest.approx(receipt.counted, rel=0.1)

    def test_a_server_that_loads_less_than_was_asked_for_and_cuts_is_noticed_and_kept_to_from_then_on(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        settings = {"model": "ollama:llama3.2:3b", "window_turns": 100, "ollama_host": ollama.url}
        chat = make_agent(**settings).conversation("lisbon")
        for number in range(8):
            chat.send(f"{number} " + "How far is it from there to here? " * 30)
        script.most_context = 1000
        script.loaded.clear()
        cut = chat.send("And back?").receipt
        assert cut is not None
        assert script.cuts
        assert (cut.context_asked, cut.context_loaded, cut.verdict) == (8192, 1000, Verdict.CUT)
        assert Receipt.of(chat.turns(1)[0]) == cut

        script.cuts.clear()
        kept_to = chat.send("And again?").receipt
        assert kept_to is not None
        assert not script.cuts
        assert (kept_to.verdict, kept_to.beyond_budget > 0) == (Verdict.COMPLETE, True)
        assert [sent["options"]["num_ctx"] for sent in script.chats] == [8192] * 10

    def test_a_prompt_that_cannot_fit_is_refused_with_the_figures_and_not_kept(self, agent: Agent) -> None:
        chat = agent.conversation("lisbon")
        sentence = r"about [\d,]+ tokens, but ollama:llama3.2:3b has a context of 2,048, of which 1,024 are kept"
        with pytest.raises(PromptRefused, match=sentence):
            chat.send("word " * 2000)
        with pytest.raises(PromptRefused, match=sentence):
            chat.preview("word " * 2000)
        assert chat.turns(1) == ()

    def test_pinned_turns_have_room_before_newer_ones(self, agent: Agent) -> None:
        chat = agent.conversation("lisbon")
        first = chat.send("Remember that my name is Ada. " * 5)
        for number in range(12):
            chat.send(f"{number}" + "How far is it from there to here? " * 10)
        assert first.turn_id not in [turn.id for turn in chat.window]
        chat.mark(first.turn_id, Mark.PINNED)
        window = chat.window
        assert window[0].id == first.turn_id
        assert window[-1].depth == 13
        receipt = chat.preview("And?").receipt
        assert receipt.pinned == (1,)
        assert receipt.left_out["budget"] == 13 - len(window)

    @pytest.mark.parametrize(
        ("model", "given", "asked"),
        [
            (Model(context_length=131_072), 0, 8192),
            (Model(context_length=4096), 0, 4096),
            (Model(context_length=131_072, parameters="num_ctx                        16384\n"), 0, 16_384),
            (Model(context_length=131_072, parameters="num_ctx                        16384\n"), 32_768, 32_768),
            (Model(context_length=2048), 32_768, 2048),
        ],
    )
    def test_the_context_asked_for_is_the_persons_or_the_models_own_and_never_more_than_it_was_made_for(
        self, make_agent: Make, ollama: OllamaServer, script: Script, model: Model, given: int, asked: int
    ) -> None:
        script.models = {"llama3.2:3b": model}
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=given)
        agent.conversation("lisbon").send("Hello")
        assert script.chats[0]["options"]["num_ctx"] == asked

    def test_a_reply_that_goes_on_past_the_context_ends_there_and_can_be_continued(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=2048, reply_tokens=256)
        chat = agent.conversation("lisbon")
        for number in range(6):
            chat.send(f"{number} " + "How far is it from there to here? " * 24)
        script.words = ("word ",) * 2000
        reply = chat.start("Count")
        assert reply.wait_for_end(5)
        assert (reply.status, reply.error is not None) == (Status.FAILED, True)
        assert reply.receipt is not None
        assert reply.receipt.counted is not None
        assert reply.receipt.counted + len(reply.text.split()) <= 2048
        script.words = ("end.",)
        more = chat.continue_(reply.turn_id).finish()
        assert more.text == f"{reply.text}end."
        assert script.chats[-1]["messages"][-1] == {"role": "assistant", "content": reply.text}
        assert more.receipt is not None
        assert more.receipt.continued == len(reply.text)
        assert more.receipt.beyond_budget > reply.receipt.beyond_budget == 0
        assert chat.turns(1)[0].reply == more.text
        assert len(chat.siblings(more.turn_id).turn_ids) == 2

    def test_images_are_in_the_context_again_and_left_by_name_to_a_model_that_sees_none(
        self, make_agent: Make, ollama: OllamaServer, script: Script, tmp_path: Path
    ) -> None:
        script.models["llava:7b"] = Model(capabilities=("completion", "vision"))
        (tmp_path / "cat.png").write_bytes(PNG)
        chat = make_agent(model="ollama:llava:7b", ollama_host=ollama.url).conversation("lisbon")
        chat.start("What is it?", images=[tmp_path / "cat.png"]).finish()
        seen = chat.send("And its colour?")
        assert [len(message.get("images", ())) for message in script.chats[-1]["messages"]] == [1, 0, 0]
        assert script.chats[-1]["messages"][0]["content"] == "What is it?"

        blind = chat.start("And now?", model="ollama:llama3.2:3b").finish()
        assert not any(message.get("images") for message in script.chats[-1]["messages"])
        assert "[An image that you can't see: cat.png]" in script.chats[-1]["messages"][0]["content"]
        assert blind.receipt is not None
        assert blind.receipt.unseen_images == 1
        for reply, sent in zip((seen, blind), script.chats[1:], strict=True):
            context = chat.context(reply.turn_id)
            assert context is not None
            assert len(context.messages) == len(sent["messages"])
            assert [message.type for message in context.messages] == ["human", "ai"] * (len(sent["messages"]) // 2) + [
                "human"
            ]
        again = chat.regenerate(chat.turns(3)[0].id).finish()
        assert len(script.chats[-1]["messages"][0]["images"]) == 1
        assert again.status is Status.COMPLETE
        with pytest.raises(PromptRefused, match="sees no images"):
            chat.start("This?", images=[ImageFile("cat.png", PNG)], model="ollama:llama3.2:3b")
        with pytest.raises(PromptRefused, match="no image that models take"):
            chat.start("This?", images=[b"GARBAGE"])

    def test_a_turn_that_failed_before_its_first_word_says_nothing_of_what_the_model_saw(
        self, agent: Agent, script: Script
    ) -> None:
        script.fault = Fault.ERROR_FIRST
        reply = agent.conversation("lisbon").start("Hello")
        reply.wait_for_end(5)
        assert reply.receipt is not None
        assert reply.receipt.verdict is Verdict.UNKNOWN


def turns_of(lengths: list[int], marks: list[Mark | None]) -> tuple[Turn, ...]:
    return tuple(
        Turn(
            depth, None, depth, Status.COMPLETE, "mine", EPOCH, None, EPOCH, None, None, None, {}, None, mark, None,
            (Message.prompt("Why?"), *([Message.reply("x" * length)] if length else [])),
        )
        for depth, (length, mark) in enumerate(zip(lengths, marks, strict=True), start=1)
    )  # fmt: skip


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    lengths = draw(st.lists(st.integers(0, 400), max_size=12))
    marks = draw(st.lists(st.sampled_from([None, None, *Mark]), min_size=len(lengths), max_size=len(lengths)))
    turns = turns_of(lengths, marks)
    window = draw(st.integers(0, len(turns)))
    row = turns[len(turns) - window :]
    far = [turn for turn in turns[: len(turns) - window] if turn.mark is Mark.PINNED]
    return Past(len(turns) + 1, row, tuple(far))


@given(pasts(), st.none() | st.integers(100, 1500))
def test_every_turn_is_in_the_context_or_left_out_for_one_reason_and_what_is_in_has_room(
    past: Past, context: int | None
) -> None:
    room = None if context is None else Room(context, None, 20)
    ask = Ask(Message.prompt("Hello"), "mine", len(past.window), room=room)
    chosen = choose_turns(past, ask)
    receipt = chosen.receipt
    assert receipt.turns == len(chosen.turns) == len(receipt.depths)
    assert [turn.depth for turn in chosen.turns] == receipt.depths
    assert receipt.turns + sum(receipt.left_out.values()) == past.depth - 1
    if context is not None:
        assert receipt.estimated is not None
        assert receipt.estimated <= context - 20
    stored = receipt.to_json()
    assert Receipt.from_json(stored) == receipt


@given(st.text())
def test_an_estimate_grows_with_the_text(text: str) -> None:
    assert raw_tokens(text) >= 0.24 * len(text)
    assert raw_tokens(text + "a") > raw_tokens(text)


class TestWhereEstimatesFail:
    """The server's tokenizer, or what it has memory for, is not what we took it for."""

    @pytest.mark.parametrize("density", [2.0, 3.0])
    def test_a_cut_that_a_low_estimate_hid_is_never_called_complete(
        self, make_agent: Make, ollama: OllamaServer, script: Script, density: float
    ) -> None:
        script.density = density
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=4096)
        chat = agent.conversation("lisbon")
        prompt = "How far is it from there to here? " * 240
        cut = chat.send(prompt).receipt
        assert script.cuts
        assert cut is not None
        assert cut.verdict is Verdict.CUT
        with pytest.raises(PromptRefused):  # What was counted is the least there was, and enough to know better now.
            chat.send(prompt)

    def test_a_history_that_becomes_dearer_than_all_before_is_not_called_complete_where_it_was_cut(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=4096, window_turns=50)
        chat = agent.conversation("lisbon")
        for number in range(30):
            chat.send(f"{number} " + "How far is it from there to here? " * 10)
        script.density = 2.0
        cut = chat.send("And back?").receipt
        assert script.cuts
        assert cut is not None
        assert cut.verdict is not Verdict.COMPLETE
        script.cuts.clear()
        after = [chat.send("And back again?").receipt for _ in range(3)][-1]
        assert not script.cuts
        assert after is not None
        assert after.verdict is Verdict.COMPLETE

    def test_a_server_short_of_memory_is_asked_before_the_first_long_context_is_sent(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        settings: dict[str, Any] = {"model": "ollama:llama3.2:3b", "ollama_host": ollama.url, "window_turns": 50}
        chat = make_agent(**settings).conversation("lisbon")
        for number in range(12):
            chat.send(f"{number} " + "How far is it from there to here? " * 20)
        script.most_context = 1500
        script.loaded.clear()
        receipt = make_agent(**settings).conversation("lisbon").send("And back?").receipt
        assert script.cuts == []
        assert receipt is not None
        assert (receipt.context_asked, receipt.context_loaded, receipt.verdict) == (8192, 1500, Verdict.COMPLETE)
        assert receipt.beyond_budget > 0
        assert Receipt.of(chat.turns(1)[0]) == receipt
        context = chat.context(chat.turns(1)[0].id)
        assert context is not None
        assert [message.text for message in context.messages] == [
            message["content"] for message in script.chats[-1]["messages"]
        ]

    def test_a_server_that_had_little_memory_once_is_asked_again(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        script.most_context = 600
        chat = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url).conversation("lisbon")
        chat.send("Hello")
        with pytest.raises(PromptRefused, match="was given only 600 of the 8,192 that were asked for"):
            chat.send("How far is it from there to here? " * 80)
        script.most_context = None
        script.loaded.clear()
        assert chat.send("How far is it from there to here? " * 80).status is Status.COMPLETE
        assert script.cuts == []

    def test_the_context_asked_for_stays_when_the_server_is_late_to_say_what_the_model_has(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        script.models["llama3.2:3b"] = Model(parameters="num_ctx                        16384\n")
        settings: dict[str, Any] = {"model": "ollama:llama3.2:3b", "ollama_host": ollama.url}
        make_agent(**settings).conversation("lisbon").send("Hello")
        script.models["llama3.2:3b"] = Model(capabilities=None, context_length=0)
        make_agent(**settings).conversation("lisbon").send("Hello again")
        assert {sent["options"]["num_ctx"] for sent in script.chats} == {16_384}

    def test_tool_calls_and_names_of_images_are_counted(
        self, make_agent: Make, ollama: OllamaServer, script: Script, url: str
    ) -> None:
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=4096)
        chat = agent.conversation("lisbon")
        call = {"name": "note", "args": {"text": "long " * 4000}, "id": "1"}
        with Store(url) as store:
            ChatMessageHistory("lisbon", store).add_messages(
                [
                    HumanMessage("Note it"),
                    AIMessage("", tool_calls=[call]),
                    ToolMessage("Ok", tool_call_id="1"),
                    AIMessage("Done."),
                ]
            )
        receipt = chat.send("And now?").receipt
        assert receipt is not None
        assert (receipt.turns, receipt.beyond_budget) == (0, 1)
        script.models["llava:7b"] = Model(capabilities=("completion", "vision"))
        seen = chat.send("What is it?", images=[ImageFile("cat\n" * 5000, PNG)], model="ollama:llava:7b")
        assert len(chat.turns(1)[0].messages[0].images[0].name) == 100
        assert seen.status is Status.COMPLETE
        chat.send("And now?")
        assert script.cuts == []


def test_what_another_provider_put_into_a_reply_goes_to_no_other_model(
    make_agent: Make, ollama: OllamaServer, script: Script, url: str
) -> None:
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url)
    chat = agent.conversation("lisbon")
    blocks: list[str | dict[str, Any]] = [
        {"type": "thinking", "thinking": "Hm.", "signature": "abc"},
        {"type": "text", "text": "Yes."},
    ]
    with Store(url) as store:
        ChatMessageHistory("lisbon", store).add_messages([HumanMessage("Really?"), AIMessage(blocks)])
    chat.send("And now?")
    assert [message["content"] for message in script.chats[0]["messages"]] == ["Really?", "Yes.", "And now?"]


def test_a_reply_that_was_continued_and_killed_at_once_can_be_made_again_and_keeps_its_text(
    chat: Conversation, url: str
) -> None:
    first = chat.send("Hello")
    with Store(url, clock=lambda: datetime.now(UTC) - timedelta(seconds=60)) as store:
        past = store.paths.past("local", "lisbon", 3, beside=first.turn_id)
        ask = Ask(Message.prompt("Hello"), "mine", 3, kept="You said")
        store.turns.open(
            "local",
            "lisbon",
            ask.prompt,
            model="mine",
            window=3,
            process_id=99,
            beside=first.turn_id,
            attached=Attached(begun="You said"),
            receipt=lambda _: choose_turns(past, ask).receipt.to_json(),
        )
    assert chat.running is None
    (turn,) = chat.turns(1)
    assert (turn.status, turn.reply) == (Status.INTERRUPTED, "You said")
    context = chat.context(turn.id)
    assert context is not None
    assert as_sent(context.messages) == as_sent([HumanMessage("Hello"), AIMessage("You said")])


def test_a_swept_turn_whose_tool_steps_came_late_is_sent_as_it_was(
    chat: Conversation, model: Listening, url: str
) -> None:
    with Store(url) as store:
        opened = Ledger(store).open("lisbon", "How is it?")
        store.turns.close(opened, Outcome(Status.INTERRUPTED, (Message.reply("Let me look."),)))
        turn_id = chat.send("Well?").turn_id
        call = {"name": "weather", "args": {}, "id": "1"}
        steps = [
            AIMessage("Let me look.", tool_calls=[call]),
            ToolMessage("Sunny", tool_call_id="1"),
            AIMessage("It is sunny."),
        ]
        store.turns.close(opened, Outcome(Status.COMPLETE, tuple(map(to_stored, steps))))
    assert len(chat.turns(2)[0].messages) == 4
    assert_made_again(chat, model.heard[-1], turn_id)
    chat.send("And now?")
    said = [message.text for message in model.heard[-1]]
    assert said[:2] == ["How is it?", "Let me look.It is sunny.\n\n[This reply was cut off here.]"]


@given(st.text(), st.text(), st.booleans())
def test_what_is_sent_is_never_estimated_at_nothing(prompt: str, argument: str, blind: bool) -> None:  # noqa: FBT001
    image = Image("a picture.png", "image/png", "d1", 1)
    call = {"name": "note", "args": {"text": argument}, "id": "1"}
    for message in (Message.prompt(prompt, [image]), to_stored(AIMessage("", tool_calls=[call]))):
        sent = message_as_sent(message, {})
        least = 0.2 * (len(sent.text) + len(argument) * isinstance(sent, AIMessage))
        assert raw_message(message, blind=blind) >= least


@pytest.mark.parametrize(
    ("estimated", "loaded", "counted", "written", "verdict"),
    [
        (1000, 4096, 1010, 100, Verdict.COMPLETE),
        (1000, None, 1010, 100, Verdict.COMPLETE),
        (1000, None, 400, 100, Verdict.UNKNOWN),  # Perhaps what was in its cache is not in the count; perhaps it cut.
        (1000, 4096, 400, 100, Verdict.COMPLETE),
        (20, 4096, 80, 100, Verdict.COMPLETE),  # The template of the chat has tokens of its own.
        (1000, 4096, 3900, 100, Verdict.UNKNOWN),
        (5000, 4096, 2400, 100, Verdict.CUT),
        (5000, 4096, 3600, 100, Verdict.UNKNOWN),
        (1000, 4096, 1010, 3200, Verdict.CUT),
        (1000, 4096, None, None, Verdict.UNKNOWN),
        (None, None, 1000, 100, Verdict.UNKNOWN),
    ],
)
def test_the_verdict_follows_from_estimate_count_and_context(
    estimated: int | None, loaded: int | None, counted: int | None, written: int | None, verdict: Verdict
) -> None:
    asked = None if estimated is None else 4096
    receipt = Receipt.plain(10, 1, 10, asked, None, estimated)
    after = judged(receipt, model="ollama:llama3.2:3b", counted=counted, written=written, loaded=loaded)
    assert after.verdict is verdict
    assert judged(receipt, model="echo", counted=counted, written=written, loaded=loaded).counted == counted


def test_a_stopped_reply_has_no_count_and_echo_sees_no_images(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=20).conversation("lisbon")
    reply = chat.start("word " * 50)
    assert reply.wait(0, 5)
    reply.stop()
    assert reply.wait_for_end(5)
    assert chat.turns(1)[0].input_tokens is None
    with pytest.raises(PromptRefused, match="echo sees no images"):
        chat.send("What is it?", images=[PNG])
