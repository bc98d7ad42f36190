"""The history: turns of the active path, and the line where the model's view begins."""

from contextlib import nullcontext
from dataclasses import dataclass, replace

import streamlit as st

from agent import Agent, Conversation, Receipt, Reply, Session, Status, Turn, TurnNotFound, WindowseatError
from ui import browser, state
from ui.chat.beside import draw_beside
from ui.chat.stream import draw_running
from ui.chat.turn import draw_prompt_of, draw_turn
from ui.words import as_plain, count

PAGE = 10
"""Turns drawn at first, and added with each click: the browser's work grows with what is on the page."""

_FOUND = "found"

BEFORE = 2
"""Turns drawn above the one that the address names."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which turns are drawn: `count` of them up to the depth `last`, None for the newest.

    `found` is the turn that the address names; it may not be here, but on another branch.
    """

    count: int = PAGE
    last: int | None = None
    found: int | None = None
    is_here: bool = True


def draw_history(
    agent: Agent, chat: Conversation, session: Session, running: Reply | None, excerpt: Excerpt
) -> Receipt | None:
    """Give what the model sees now or, if none answers, what it would see next; None where that can't be said."""
    last = excerpt.last and min(excerpt.last, session.depth)
    turns = chat.turns(excerpt.count, last=last)
    view = _view(chat, running)
    if not turns:
        return view
    newest = session.depth - (running is not None)
    _draw_earlier(chat, excerpt, turns[0].depth - 1)
    _draw_above(view, turns)
    alternatives = chat.alternatives(turns)
    second = chat.second_model_of(session)
    for turn in turns:
        if view is not None and view.first == turn.depth > 1 and _hides_some(view):
            _draw_window_line(view, newest)
        with st.container(key=_FOUND) if turn.id == excerpt.found else nullcontext():
            _draw(agent, chat, turn, alternatives.get(turn.id, ()), running, second=second, head=session.head_id)
    if view is not None and view.first is None and _hides_some(view) and running is None:
        _draw_window_line(view, newest)
    _draw_later(chat, excerpt, session.depth - turns[-1].depth)
    return view


def _draw(
    agent: Agent,
    chat: Conversation,
    turn: Turn,
    alternatives: tuple[int, ...],
    running: Reply | None,
    *,
    second: str,
    head: int | None,
) -> None:
    if second and alternatives and draw_beside(agent, chat, turn, alternatives, running, second, last=turn.id == head):
        return
    if turn.status is Status.RUNNING:
        draw_prompt_of(chat, turn)
        if running is not None:
            draw_running(chat, running)
    else:
        draw_turn(agent, chat, turn, alternatives, last=turn.id == head)


def excerpt_of(chat: Conversation) -> Excerpt:
    """What was drawn last, unless the address names another turn now."""
    known: Excerpt = st.session_state.get(_key(chat), Excerpt())
    found = state.turn_in_address()
    if found != known.found:
        known = Excerpt() if found is None else _around(chat, found)
        st.session_state[_key(chat)] = known
    if known.found is not None and not known.is_here:
        _draw_elsewhere(chat, known.found)
    return known


def _around(chat: Conversation, turn_id: int) -> Excerpt:
    """The turn with some around it."""
    try:
        depth = chat.turn(turn_id).depth
    except TurnNotFound:
        st.warning("The turn in the address is not there any more.", icon=":material/search_off:")
        state.leave_turn()
        return Excerpt()
    here = chat.turns(1, last=depth)
    if not here or here[0].id != turn_id:
        return Excerpt(found=turn_id, is_here=False)
    browser.scroll_to(f".st-key-{_FOUND}")
    return Excerpt(PAGE, max(PAGE, depth - BEFORE + PAGE - 1), turn_id)


def _draw_elsewhere(chat: Conversation, turn_id: int) -> None:
    def go_there() -> None:
        chat.switch(turn_id)
        st.session_state.pop(_key(chat), None)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(":material/alt_route: The turn in the address is on another branch of this session.")
        st.button("Go there", key="go to branch", type="tertiary", on_click=state.attempt, args=(go_there,))


def _key(chat: Conversation) -> str:
    return f"excerpt of {chat.session_id}"


def _keep(chat: Conversation, excerpt: Excerpt) -> None:
    st.session_state[_key(chat)] = excerpt
    st.rerun()


def _draw_earlier(chat: Conversation, excerpt: Excerpt, earlier: int) -> None:
    if earlier and st.button(f"Earlier turns ({earlier:,})", icon=":material/expand_less:", type="tertiary"):
        _keep(chat, replace(excerpt, count=excerpt.count + PAGE))


def _draw_later(chat: Conversation, excerpt: Excerpt, later: int) -> None:
    if excerpt.last is None or later <= 0:
        return
    with st.container(horizontal=True):
        if st.button(f"Later turns ({later:,})", icon=":material/expand_more:", type="tertiary"):
            _keep(chat, replace(excerpt, count=excerpt.count + PAGE, last=excerpt.last + PAGE))
        st.button("To the newest", icon=":material/vertical_align_bottom:", type="tertiary", on_click=state.leave_turn)


def _view(chat: Conversation, running: Reply | None) -> Receipt | None:
    if running is not None:
        return running.receipt
    try:
        return chat.view
    except WindowseatError as error:
        st.warning(as_plain(str(error)), icon=":material/visibility_off:")
        return None


def _draw_above(view: Receipt | None, turns: tuple[Turn, ...]) -> None:
    first = view.first if view else None
    if view is not None and view.turns and not _hides_some(view):
        st.caption(f":material/visibility: The model sees the whole conversation so far: {count(view.turns, 'turn')}.")
    elif first is not None and first < turns[0].depth:
        further = count(turns[0].depth - first, "turn")
        st.caption(f":material/visibility: The model's view begins {further} further up.")
    else:
        st.empty()  # So that the turns below keep their places, and stay on the screen, when there is more to say.


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
