"""The history: the newest turns of the active path, and the line where the window begins."""

import re

import streamlit as st

from agent import Conversation, Receipt, Reply, Session, Status, Turn, WindowseatError
from ui import markdown, state
from ui.words import as_plain, count, seconds

PAGE = 15
"""Turns drawn at first, and added with each click: the browser's work grows with what is on the page."""

_HARD_BREAK = re.compile(r"(?<! {2})\n(?=\S)")
HUMAN, ASSISTANT = ":material/person:", ":material/airline_seat_recline_normal:"


def draw_history(chat: Conversation, session: Session, running: Reply | None) -> None:
    """All turns but the running one, whose prompt is drawn with its reply."""
    shown_key = f"turns shown of {chat.session_id}"
    shown = st.session_state.get(shown_key, PAGE)
    turns = [turn for turn in chat.turns(shown + (running is not None)) if turn.status is not Status.RUNNING]
    earlier = session.depth - len(turns) - (running is not None)
    if earlier > 0 and st.button(f"Earlier turns ({earlier:,})", icon=":material/expand_less:", type="tertiary"):
        st.session_state[shown_key] = shown + PAGE
        st.rerun()
    window = chat.window_turns_of(session)
    first_seen = len(turns) - window
    if turns and first_seen < 0 and earlier > -first_seen:
        st.caption(f":material/visibility: The model's view begins {count(-first_seen, 'turn')} further up.")
    elif turns and earlier + first_seen <= 0:
        st.caption(f":material/visibility: The model sees the whole conversation so far: {count(len(turns), 'turn')}.")
    for place, turn in enumerate(turns):
        if place == first_seen and (place or earlier > 0):
            _draw_window_line(window)
        draw_turn(chat, turn, last=place == len(turns) - 1 and running is None)
    if turns and window == 0:
        _draw_window_line(0)


def draw_turn(chat: Conversation, turn: Turn, *, last: bool) -> None:
    if turn.prompt:
        draw_prompt_of(turn.prompt)
    with st.chat_message("assistant", avatar=ASSISTANT):
        if turn.reply:
            markdown.draw(turn.reply)
        _draw_end(chat, turn, last=last)
        st.caption(_facts(turn))


def draw_prompt_of(prompt: str) -> None:
    with st.chat_message("user", avatar=HUMAN):
        markdown.draw(_HARD_BREAK.sub("  \n", prompt))


def _draw_window_line(window: int) -> None:
    with st.container(key="window_line", gap=None):
        st.divider()
        what = f"the last {count(window, 'turn')}" if window else "only your next prompt"
        st.caption(f":material/visibility: The model sees from here on: {what}", text_alignment="center")


def _draw_end(chat: Conversation, turn: Turn, *, last: bool) -> None:
    """Say how a reply ended that did not reach its end, and offer to ask again."""
    if turn.status is Status.COMPLETE:
        if not turn.reply:
            st.caption("The model answered without a word.")
        return
    if turn.status is Status.STOPPED:
        st.caption(":material/stop_circle: You stopped this reply.")
    elif turn.status is Status.FAILED:
        st.error(as_plain(turn.error or "The reply failed."), icon=":material/error:")
    else:
        st.warning(as_plain(turn.error or "The reply was interrupted."), icon=":material/power_off:")
    if last:
        st.button(
            "Try again",
            icon=":material/refresh:",
            key=f"retry {turn.id}",
            on_click=_retry,
            args=(chat, turn.id),
        )


def _retry(chat: Conversation, turn_id: int) -> None:
    try:
        chat.regenerate(turn_id)
    except WindowseatError as error:
        state.leave_notice(str(error))


def _facts(turn: Turn) -> str:
    """What a reply was made by and from, in a line."""
    facts = [as_plain(turn.model)] if turn.model else []
    if receipt := Receipt.from_json(turn.receipt):
        facts.append(f"saw {count(receipt.turns, 'turn')} and the prompt")
        if left_out := receipt.beyond_window + len(receipt.empty):
            facts.append(f"{left_out:,} left out")
    if turn.duration and turn.status is not Status.INTERRUPTED and turn.model:
        facts.append(seconds(turn.duration))
    return " · ".join(facts)
