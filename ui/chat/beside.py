"""Two models' answers to one prompt, side by side."""

from functools import partial

import streamlit as st

from agent import Agent, Conversation, Reply, Status, Turn
from ui import state
from ui.chat.actions import is_edited
from ui.chat.stream import draw_running
from ui.chat.turn import draw_answer, draw_prompt_of


def draw_beside(
    agent: Agent,
    chat: Conversation,
    turn: Turn,
    alternatives: tuple[int, ...],
    running: Reply | None,
    second: str,
    *,
    last: bool,
) -> bool:
    """Draw the turn beside the newest answer to the same prompt, one of them by the second model.

    False where there is none.
    """
    other = _other(chat, turn, alternatives, second)
    if other is None:
        return False
    draw_prompt_of(chat, other if is_edited(other) else turn)
    pair = sorted((turn, other), key=lambda one: one.id)
    for column, one in zip(st.columns(2, gap="medium"), pair, strict=True):
        with column:
            if one.status is Status.RUNNING and running is not None:
                draw_running(chat, running)
                continue
            is_active = one.id == turn.id
            draw_answer(agent, chat, one, alternatives, last=last and is_active, named=True)
            _draw_choice(chat, one, running, is_active=is_active)
    return True


def _other(chat: Conversation, turn: Turn, alternatives: tuple[int, ...], second: str) -> Turn | None:
    others = (chat.turn(found) for found in reversed(alternatives) if found != turn.id)
    return next((other for other in others if _is_pair(turn, other, second)), None)


def _is_pair(turn: Turn, other: Turn, second: str) -> bool:
    return other.prompt == turn.prompt and other.model != turn.model and second in {turn.model, other.model}


def _draw_choice(chat: Conversation, turn: Turn, running: Reply | None, *, is_active: bool) -> None:
    if is_active:
        st.caption(":material/check: The session goes on from this one.")
        return
    st.button(
        "Go on from this one",
        icon=":material/call_split:",
        key=f"go on from {turn.id}",
        disabled=running is not None,
        on_click=state.attempt,
        args=(partial(chat.switch, turn.id),),
    )
