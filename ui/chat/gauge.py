"""The window: its size, how full the model's context is, and what the next prompt would carry."""

import streamlit as st

from agent import Conversation, Receipt, Session, WindowseatError
from ui.chat.controls import draw_window
from ui.chat.receipt import draw_messages, draw_sizes, in_words
from ui.words import as_plain, count

_PREVIEW = "preview is open"


def draw_gauge(chat: Conversation, session: Session, view: Receipt | None) -> None:
    """`view` is what the model sees now or would see next; None where that can't be said."""
    # Its label never changes: a popover with another one would close.
    with st.popover("Window", icon=":material/visibility:", key=_PREVIEW, on_change="rerun") as preview:
        draw_window(chat, session)
        if preview.open:
            _draw_preview(chat)
    if view is not None:
        _draw_fullness(view)


def _draw_fullness(view: Receipt) -> None:
    sees = f"Sees {count(view.turns, 'turn')}" if view.turns else "Sees only the prompt"
    if view.estimated is None or not view.context:
        st.caption(sees, width="content")
    else:
        used = min(1.0, view.estimated / view.context)
        st.progress(used, text=f"{sees}, {used:.0%} of {view.context:,} tokens", width=240)


def _draw_preview(chat: Conversation) -> None:
    tried = st.text_input("A prompt to try", key="tried prompt", placeholder="What would it be sent with?")
    try:
        context = chat.preview(tried) if tried and tried.strip() else chat.outlook
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")
        return
    st.markdown("**What the next prompt would carry**")
    draw_sizes(context)
    st.markdown("\n".join(f"- {line}" for line in in_words(context.receipt, is_next=True)))
    draw_messages(context, "preview")
