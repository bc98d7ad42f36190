"""The history: the newest turns of the active path, and the line where the model's view begins."""

import streamlit as st

from agent import Agent, Conversation, Receipt, Reply, Status, Turn, WindowseatError
from ui.turn import draw_turn
from ui.words import as_plain, count

PAGE = 15
"""Turns drawn at first, and added with each click: the browser's work grows with what is on the page."""


def draw_history(agent: Agent, chat: Conversation, running: Reply | None) -> None:
    """All turns but the running one, whose prompt is drawn with its reply."""
    shown_key = f"turns shown of {chat.session_id}"
    shown = st.session_state.get(shown_key, PAGE)
    turns = [turn for turn in chat.turns(shown + (running is not None)) if turn.status is not Status.RUNNING]
    if not turns:
        return
    earlier = turns[0].depth - 1
    if earlier and st.button(f"Earlier turns ({earlier:,})", icon=":material/expand_less:", type="tertiary"):
        st.session_state[shown_key] = shown + PAGE
        st.rerun()
    view = _view(chat, running)
    if view is not None:
        _draw_above(view, turns)
    for place, turn in enumerate(turns):
        if view is not None and view.first == turn.depth > 1 and _hides_some(view):
            _draw_window_line(view, turns[-1].depth)
        draw_turn(agent, chat, turn, last=place == len(turns) - 1 and running is None)
    if view is not None and view.first is None and _hides_some(view):
        _draw_window_line(view, turns[-1].depth)


def _view(chat: Conversation, running: Reply | None) -> Receipt | None:
    """What the model sees now or, if none answers, what it would see next; None where that is said to be impossible."""
    if running is not None:
        return running.receipt
    try:
        return chat.view
    except WindowseatError as error:
        st.warning(as_plain(str(error)), icon=":material/visibility_off:")
        return None


def _draw_above(view: Receipt, turns: list[Turn]) -> None:
    first = view.first
    if view.turns and not _hides_some(view):
        st.caption(f":material/visibility: The model sees the whole conversation so far: {count(view.turns, 'turn')}.")
    elif first is not None and first < turns[0].depth:
        further = count(turns[0].depth - first, "turn")
        st.caption(f":material/visibility: The model's view begins {further} further up.")


def _hides_some(view: Receipt) -> bool:
    return view.left_out["window"] + view.left_out["budget"] > 0


def _draw_window_line(view: Receipt, newest: int) -> None:
    with st.container(key="window_line", gap=None):
        st.divider()
        seen = newest - view.first + 1 if view.first else 0
        what = f"the last {count(seen, 'turn')}" if seen else "only your next prompt"
        if view.pinned:
            what += f", and {count(len(view.pinned), 'pinned turn')} further up"
        if view.beyond_budget:
            left = count(view.beyond_budget, "turn")
            what += f". Its context of {view.context:,} tokens has no room for {left} more"
        st.caption(f":material/visibility: The model sees from here on: {what}", text_alignment="center")
