"""What a context is made of: its tokens by part, which add up to what the receipt says."""

from collections.abc import Callable

from agent import Agent, Context, EchoModel, ImageFile, Mark
from agent.tokens import PER_IMAGE
from tests.ollama_server import OllamaServer
from tests.pictures import picture

Make = Callable[..., Agent]
PNG = picture()


def whole(context: Context | None) -> int:
    assert context is not None
    return sum(context.sizes.values())


def test_a_context_says_what_it_is_made_of_in_order(make_agent: Make) -> None:
    chat = make_agent(window_turns=1).conversation("lisbon")
    assert list(chat.preview("Hello").sizes) == ["prompt"]
    pinned = chat.send("Where to in May, by train?").turn_id
    chat.send("Two")
    last = chat.send("Three").turn_id
    assert list(chat.preview("Hello").sizes) == ["window", "prompt"]
    chat.mark(pinned, Mark.PINNED)
    chat.configure(summary="They know every station of Porto.")
    sizes = chat.preview("Hello").sizes
    assert list(sizes) == ["told", "pinned", "window", "prompt"]
    assert sizes["pinned"] > sizes["window"] > sizes["prompt"]
    continued = chat.continue_(last).finish()
    context = chat.context(continued.turn_id)
    assert context is not None
    assert list(context.sizes) == ["told", "pinned", "window", "prompt", "begun"]


def test_without_any_estimate_the_sizes_are_raw_ones_and_a_count_is_shared_out(make_agent: Make) -> None:
    chat = make_agent().conversation("lisbon")
    chat.send("Hello there, how do you do?")
    preview = chat.preview("And you, what do you do?")
    assert preview.receipt.estimated is None
    assert whole(preview) > 20
    sent = chat.send("And you, what do you do?")
    assert sent.receipt is not None
    assert whole(chat.context(sent.turn_id)) == sent.receipt.counted


def test_the_sizes_add_up_to_the_estimate_and_then_to_the_count(make_agent: Make, ollama: OllamaServer) -> None:
    chat = make_agent(ollama_host=ollama.url, model="ollama:llama3.2:3b").conversation("lisbon")
    chat.configure(system_prompt="Be brief, and answer in the language of the prompt.")
    for number in range(5):
        reply = chat.send(f"Question {number}: how far is it from there to here?")
        assert reply.receipt is not None
        assert whole(chat.context(reply.turn_id)) == reply.receipt.counted
    preview = chat.preview("One more")
    assert preview.receipt.estimated is not None
    assert whole(preview) == preview.receipt.estimated


def test_images_count_with_the_prompt(make_agent: Make) -> None:
    chat = make_agent(models={"sees": EchoModel()}, model="sees").conversation("lisbon")
    images = [ImageFile("a.png", PNG), ImageFile("b.png", PNG)]
    assert chat.preview("What is it?", images=images).sizes["prompt"] > 2 * PER_IMAGE
    chat.send("What is it?", images=images)
    assert chat.preview("And now?").sizes["window"] > 2 * PER_IMAGE
