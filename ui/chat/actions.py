"""What one can do with a turn: its menu, and what that opens."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from agent import Agent, Conversation, Mark, Turn
from ui import browser, state
from ui.chat.receipt import show_receipt
from ui.dialogs import close_dialog, open_dialog
from ui.notices import told
from ui.words import title_of

SAW = ":material/receipt_long: What the model saw"
COPY = ":material/content_copy: Copy the reply"
LINK = ":material/link: Copy a link to it"
EDIT = ":material/edit: Edit the prompt"
AGAIN = ":material/refresh: Answer again"
AGAIN_WITH = ":material/swap_horiz: Answer again with…"
CONTINUE = ":material/play_arrow: Continue"
FORK = ":material/fork_right: Fork from here"
PIN, UNPIN = ":material/keep: Pin into the window", ":material/keep_off: Unpin"
EXCLUDE, INCLUDE = ":material/visibility_off: Exclude from the window", ":material/visibility: Include again"
GOOD, BAD = ":material/thumb_up: Good reply", ":material/thumb_down: Bad reply"
UNRATE = ":material/undo: Take the rating back"

TITLE = 80
"""Characters of the original's title that a copy's begins with."""

_EDITED = "edited turn"


def actions_of(turn: Turn) -> list[str]:
    with_reply = [COPY, CONTINUE] if turn.reply else []
    with_prompt = [EDIT, AGAIN, AGAIN_WITH] if turn.prompt else []
    rating = [UNRATE] if turn.rating else [GOOD, BAD]
    return [
        SAW,
        *with_reply,
        *with_prompt,
        UNPIN if turn.mark is Mark.PINNED else PIN,
        INCLUDE if turn.mark is Mark.EXCLUDED else EXCLUDE,
        *(rating if turn.reply else []),
        FORK,
        LINK,
    ]


def act(agent: Agent, chat: Conversation, turn: Turn, chosen: str) -> None:
    """Do what was chosen from the menu."""
    if chosen == SAW:
        open_dialog(partial(show_receipt, chat, turn))
    elif chosen == AGAIN_WITH:
        open_dialog(partial(_answer_again, agent, chat, turn))
    else:
        act_on = _acts(chat, turn)[chosen]
        if chosen in {AGAIN, CONTINUE}:
            _go_on(chat, turn, act_on)
        else:
            state.attempt(act_on)
        st.rerun()


def _go_on(chat: Conversation, turn: Turn, act_on: Callable[[], object]) -> None:
    """Have the session go on beside a turn, and say where what followed it stays."""
    had_more = chat.session.head_id != turn.id

    def act_and_say() -> None:
        act_on()
        if had_more:
            state.leave_done("What came after it stays on its own branch: the arrows below the reply lead back to it.")

    state.go_on(act_and_say)


def _acts(chat: Conversation, turn: Turn) -> dict[str, Callable[[], object]]:
    return {
        COPY: partial(browser.copy, turn.reply),
        LINK: partial(browser.copy, _link(chat, turn)),
        EDIT: partial(edit, turn),
        AGAIN: partial(chat.regenerate, turn.id),
        CONTINUE: partial(chat.continue_, turn.id),
        FORK: partial(_fork, chat, turn),
        PIN: partial(chat.mark, turn.id, Mark.PINNED),
        EXCLUDE: partial(chat.mark, turn.id, Mark.EXCLUDED),
        UNPIN: partial(chat.mark, turn.id, None),
        INCLUDE: partial(chat.mark, turn.id, None),
        GOOD: partial(chat.rate, turn.id, 1),
        BAD: partial(chat.rate, turn.id, -1),
        UNRATE: partial(chat.rate, turn.id, None),
    }


def _link(chat: Conversation, turn: Turn) -> str:
    here = (st.context.url or "").split("?")[0]
    return f"{here}?{urlencode(state.address_of(chat.session_id, turn.id))}"


def _fork(chat: Conversation, turn: Turn) -> None:
    copy = chat.fork(turn_id=turn.id)
    copy.rename(f"{title_of(copy.session)[:TITLE]} (copy)")
    state.choose(copy.session_id)
    state.leave_done("This is a copy: what you say here stays out of the session it was made from.")


@st.dialog("Answer again with another model", icon=":material/swap_horiz:", on_dismiss=close_dialog)
@told
def _answer_again(agent: Agent, chat: Conversation, turn: Turn) -> None:
    others = [name for name in agent.models().names if name != turn.model]
    if not others:
        st.write("There is no other model here yet. The page Models says which there are, and gets more.")
        return
    model = st.selectbox("Model", others)
    st.caption("Both answers are kept, beside each other.")
    if st.button("Answer", type="primary"):
        _go_on(chat, turn, partial(chat.regenerate, turn.id, model=model))
        close_dialog()
        st.rerun()


def is_edited(turn: Turn) -> bool:
    return bool(st.session_state.get(_EDITED) == turn.id)


def edit(turn: Turn) -> None:
    """Have the prompt drawn as a box to change it in."""
    st.session_state[_EDITED] = turn.id
    browser.focus(".st-key-edited_prompt textarea")


def draw_editor(chat: Conversation, turn: Turn) -> None:
    key = f"prompt of {turn.id}"
    with st.form("edited prompt", border=False), st.container(key="edited_prompt"):
        st.text_area("Prompt", value=turn.prompt, key=key, height="content", label_visibility="collapsed")
        with st.container(horizontal=True):
            st.form_submit_button(
                "Send", type="primary", on_click=lambda: _send_edited(chat, turn, st.session_state[key])
            )
            st.form_submit_button("Cancel", on_click=_leave_editor)
    st.caption("It becomes another branch: what was said before is kept.")


def _send_edited(chat: Conversation, turn: Turn, prompt: str) -> None:
    def send() -> None:
        chat.edit(turn.id, prompt)
        _leave_editor()

    _go_on(chat, turn, send)


def _leave_editor() -> None:
    st.session_state.pop(_EDITED, None)
