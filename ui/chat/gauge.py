"""The window: its size, how full the model's context is, and what the next prompt would carry."""

from functools import partial

import streamlit as st

from agent import Conversation, Receipt, WindowseatError
from ui.chat.controls import draw_window
from ui.chat.receipt import draw_chart, draw_messages, in_words
from ui.dialogs import close_dialog, open_dialog
from ui.notices import told
from ui.words import as_plain, count


def draw_gauge(chat: Conversation, view: Receipt | None) -> None:
    """`view` is what the model sees now or would see next; None where that can't be said."""
    look = partial(open_dialog, partial(_draw_preview, chat))
    st.button("Window", icon=":material/visibility:", key="window", on_click=look)
    if view is not None:
        _draw_fullness(view)


def _draw_fullness(view: Receipt) -> None:
    sees = f"Sees {count(view.turns, 'turn')}" if view.turns else "Sees only the prompt"
    if view.estimated is None or not view.context:
        st.caption(sees, width="content")
    else:
        used = min(1.0, view.estimated / view.context)
        st.progress(used, text=f"{sees}, {used:.0%} of {view.context:,} tokens", width=240)


@st.dialog("The window", width="medium", icon=":material/visibility:", on_dismiss=close_dialog)
@told
def _draw_preview(chat: Conversation) -> None:
    """The line in the history moves as the size is changed."""
    if draw_window(chat, chat.session):
        st.rerun()
    tried = st.text_input("A prompt to try", key="tried prompt", placeholder="What would it be sent with?", live=True)
    try:
        context = chat.preview(tried) if tried and tried.strip() else chat.outlook
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")
        return
    st.markdown("**What the next prompt would carry**")
    draw_chart(context)
    st.markdown("\n".join(f"- {line}" for line in in_words(context.receipt, is_next=True)))
    draw_messages(context, "preview")
