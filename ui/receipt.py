"""What a reply was made from, in words."""

import streamlit as st

from agent import Conversation, Receipt, Turn, Verdict
from ui.words import as_plain, count

_WHY = {
    "window": "before the window",
    "budget": "in the window, but the model's context has no room for them",
    "excluded": "excluded by you",
    "empty": "without a reply",
}
_VERDICTS = {
    Verdict.COMPLETE: ":material/check_circle: The model saw all of it.",
    Verdict.CUT: ":material/content_cut: **The model's server cut the beginning**: the model did not see all of it.",
    Verdict.UNKNOWN: ":material/help: Whether the model saw all of it can't be told: its server did not say.",
}


def facts(receipt: Receipt) -> list[str]:
    """In a few words, for the line below a reply."""
    said = [f"saw {count(receipt.turns, 'turn')} and the prompt"]
    if left_out := sum(receipt.left_out.values()):
        said.append(f"{left_out:,} left out")
    if receipt.counted is not None and receipt.context_asked is not None:
        said.append(f"{receipt.counted:,} of {_context(receipt):,} tokens")
    return said


@st.dialog("What the model saw", width="medium", icon=":material/receipt_long:")
def show_receipt(chat: Conversation, turn: Turn) -> None:
    receipt = Receipt.of(turn)
    if receipt is None:
        st.write("Another program wrote this turn: nobody kept what its model saw.")
        return
    st.markdown(_VERDICTS[receipt.verdict])
    st.markdown("\n".join(f"- {line}" for line in in_words(receipt)))
    context = chat.context(turn.id)
    if context is None:
        return
    with st.expander(f"The {count(len(context.messages), 'message')} as sent", icon=":material/mail:"):
        for message in context.messages:
            st.caption(message.type)
            st.code(message.text, language=None, wrap_lines=True)


def in_words(receipt: Receipt) -> list[str]:
    """A line of Markdown for each thing that the context was made of, and for each reason why a turn was left out."""
    lines = [_seen(receipt)]
    for reason, number in receipt.left_out.items():
        if number:
            lines.append(f"**{count(number, 'turn')} left out**: {_WHY[reason]}.")
    for kind, version in (("system prompt", receipt.system_prompt), ("summary", receipt.summary)):
        if version is not None:
            lines.append(f"The {kind} of the session, version {version}.")
    if receipt.parameters:
        lines.append(
            "Parameters: " + as_plain(", ".join(f"{name} {value}" for name, value in receipt.parameters.items()))
        )
    if receipt.continued:
        lines.append(f"The first {count(receipt.continued, 'character')} of its reply, to continue them.")
    if receipt.unseen_images:
        lines.append(f"{count(receipt.unseen_images, 'image')} by name only: the model sees none.")
    return [*lines, *_sizes(receipt)]


def _seen(receipt: Receipt) -> str:
    pinned = f", {len(receipt.pinned):,} of them pinned" if receipt.pinned else ""
    turns = f"{count(receipt.turns, 'turn')}{pinned}, and the prompt" if receipt.turns else "The prompt alone"
    return f"{turns}: {count(receipt.messages, 'message')}. The window was of {count(receipt.window, 'turn')}."


def _sizes(receipt: Receipt) -> list[str]:
    if receipt.context_asked is None:
        return []
    lines = [f"A context of {receipt.context_asked:,} tokens was asked for."]
    if receipt.context_loaded not in {None, receipt.context_asked}:
        lines[0] += f" **The server gave {receipt.context_loaded:,}.**"
    said = f"{receipt.estimated:,} tokens estimated" if receipt.estimated is not None else "no estimate"
    counted = f"{receipt.counted:,} counted by the server" if receipt.counted is not None else "not counted"
    return [*lines, f"The messages: {said}, {counted}."]


def _context(receipt: Receipt) -> int:
    return receipt.context_loaded or receipt.context_asked or 0
