"""What a reply was made from, or the next one would be: in words, as a chart, message by message."""

import streamlit as st

from agent import Context, Conversation, Receipt, Turn, Verdict, WindowseatError
from ui.dialogs import close_dialog
from ui.entrance import guarded
from ui.words import as_plain, count

MOST_NAMED = 20
"""Turns that are named one by one."""

_WHY = {
    "window": "before the window",
    "budget": "in the window, but the model's context has no room for them",
    "excluded": "excluded by you",
    "empty": "without a reply",
}
_CALLED = {"human": "prompt", "ai": "reply", "system": "told", "tool": "tool"}


def facts(receipt: Receipt) -> list[str]:
    """In a few words, for the line below a reply."""
    said = [f"saw {count(receipt.turns, 'turn')} and the prompt" if receipt.turns else "saw only the prompt"]
    if left_out := sum(receipt.left_out.values()):
        said.append(f"{left_out:,} left out")
    if receipt.counted is not None and receipt.context is not None:
        said.append(f"{receipt.counted:,} of {receipt.context:,} tokens")
    return said


@st.dialog("What the model saw", width="medium", icon=":material/receipt_long:", on_dismiss=close_dialog)
@guarded
def show_receipt(chat: Conversation, turn: Turn) -> None:
    try:
        _draw_receipt(chat, turn)
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")


def _draw_receipt(chat: Conversation, turn: Turn) -> None:
    receipt = Receipt.of(turn)
    if receipt is None:
        st.write("Another program wrote this turn: nobody kept what its model saw.")
        return
    st.markdown(_verdict(receipt))
    context = chat.context(turn.id)
    if context is not None:
        draw_chart(context)
    st.markdown("\n".join(f"- {line}" for line in in_words(receipt)))
    if context is not None:
        draw_messages(context, "receipt")


def draw_chart(context: Context) -> None:
    """The sizes of what the context is made of."""
    from ui.chat.sizes import draw_sizes  # noqa: PLC0415 - more than half a second that the chat can do without

    draw_sizes(context)


def draw_messages(context: Context, within: str) -> None:
    """Folded away, and sent to the browser only when that is opened."""
    heading = f"The {count(len(context.messages), 'message')} as sent"
    with st.expander(heading, icon=":material/mail:", key=f"messages in {within}", on_change="rerun") as folded:
        for message in context.messages if folded.open else ():
            st.caption(_CALLED.get(message.type, message.type))
            st.code(_shown(message.content), language=None, wrap_lines=True)


def in_words(receipt: Receipt, *, is_next: bool = False) -> list[str]:
    """A line of Markdown for each thing that the context was made of, and for each reason why a turn was left out."""
    lines = [_seen(receipt, is_next=is_next)]
    places = {"excluded": receipt.excluded, "empty": receipt.empty}
    for reason, number in receipt.left_out.items():
        if number:
            which = ", ".join(f"{depth:,}" for depth in places.get(reason, ())[:MOST_NAMED])
            lines.append(f"**{count(number, 'turn')} left out**: {_WHY[reason]}{f' ({which})' if which else ''}.")
    for kind, version in (("system prompt", receipt.system_prompt), ("summary", receipt.summary)):
        if version is not None:
            lines.append(f"The {kind} of the session, version {version}.")
    if receipt.parameters:
        lines.append(
            "Parameters: " + as_plain(", ".join(f"{name} {value}" for name, value in receipt.parameters.items()))
        )
    if receipt.unseen_images:
        lines.append(f"{count(receipt.unseen_images, 'image')} by name only: the model sees none.")
    return [*lines, *_sizes(receipt, is_next=is_next)]


def _verdict(receipt: Receipt) -> str:
    match receipt.verdict:
        case Verdict.COMPLETE:
            return ":material/check_circle: The model saw all of it."
        case Verdict.CUT if (receipt.estimated or 0) > (receipt.context or 0):
            return ":material/content_cut: **The model's server cut the beginning**: the model did not see all of it."
        case Verdict.CUT:
            return ":material/content_cut: **The model's server dropped the beginning** while the model was writing."
        case _:
            return f":material/help: Whether the model saw all of it can't be told: {_unknown(receipt)}."


def _unknown(receipt: Receipt) -> str:
    if receipt.own_agent:
        return "an agent of somebody's own asked it, and may have told it more"
    if receipt.context_asked is None:
        return "nobody knows how much it has room for"
    if receipt.counted is None:
        return "its server did not come to count what it got"
    return "our estimate and the count of its server do not agree"


def _seen(receipt: Receipt, *, is_next: bool) -> str:
    named = []
    if receipt.first is not None:
        alone = receipt.first == receipt.last
        named.append(f"turn {receipt.first:,}" if alone else f"turns {receipt.first:,} to {receipt.last:,}")
    if receipt.pinned:
        named.append("pinned " + ", ".join(f"{depth:,}" for depth in receipt.pinned))
    said = [f"{count(receipt.turns, 'turn')} ({'; '.join(named)})"] if named else []
    said.append("the prompt" if named else "The prompt")
    if receipt.continued:
        said.append(f"the first {count(receipt.continued, 'character')} of its reply, to continue them")
    window = f"The window {'is' if is_next else 'was'} of {count(receipt.window, 'turn')}."
    return f"{' and '.join(said)}: {count(receipt.messages, 'message')}. {window}"


def _shown(content: str | list[str | dict[str, object]]) -> str:
    """The text, with a word for what is none."""
    if isinstance(content, str):
        return content
    return "\n".join(part if isinstance(part, str) else str(part.get("text", "[image]")) for part in content)


def _sizes(receipt: Receipt, *, is_next: bool) -> list[str]:
    if receipt.context_asked is None:
        return []
    if is_next:
        return [f"{receipt.estimated or 0:,} tokens estimated, for a context of {receipt.context:,}."]
    lines = [f"A context of {receipt.context_asked:,} tokens was asked for."]
    if receipt.context_loaded == receipt.context_asked:
        lines[0] = f"A context of {receipt.context_asked:,} tokens was asked for and given."
    elif receipt.context_loaded is not None:
        lines[0] += f" **The server gave {receipt.context_loaded:,}.**"
    said = f"{receipt.estimated:,} tokens estimated" if receipt.estimated is not None else "no estimate"
    counted = f"{receipt.counted:,} counted by the server" if receipt.counted is not None else "not counted"
    return [*lines, f"The messages: {said}, {counted}."]
