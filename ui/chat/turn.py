"""One turn: its prompt, its reply, what the model thought, how it ended, and what one can do with it."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import streamlit as st

from agent import Agent, Conversation, Mark, ModelMissing, Receipt, Status, Turn, Verdict
from ui import browser, markdown, state
from ui.chat.actions import act, actions_of, draw_editor, is_edited
from ui.chat.images import draw_images
from ui.chat.receipt import facts
from ui.pull import draw_failure, draw_pull_offer
from ui.words import as_plain, seconds

HUMAN, ASSISTANT = ":material/person:", ":material/airline_seat_recline_normal:"
GOOD, BAD = 1, -1

_MARKS = {
    Mark.PINNED: ":material/keep: Pinned into the window",
    Mark.EXCLUDED: ":material/visibility_off: Excluded from the window",
}
_RATED = {GOOD: ":material/thumb_up: good", BAD: ":material/thumb_down: bad"}


def draw_turn(
    agent: Agent, chat: Conversation, turn: Turn, alternatives: tuple[int, ...] = (), *, last: bool = False
) -> None:
    """`last` is the newest of the path, while nothing runs: only from there one goes on."""
    draw_prompt_of(chat, turn)
    draw_answer(agent, chat, turn, alternatives, last=last)


def draw_answer(
    agent: Agent,
    chat: Conversation,
    turn: Turn,
    alternatives: tuple[int, ...],
    *,
    last: bool,
    named: bool = False,
) -> None:
    """What came of the prompt; `named` tells the menus of two answers to one prompt apart by their models."""
    with st.chat_message("assistant", avatar=ASSISTANT):
        # A fragment has a container of its own: in the same one the reply stays on the screen when it ends.
        with st.container():
            _draw_reply(agent, chat, turn, last=last)
        _draw_footer(agent, chat, turn, alternatives, f" by {turn.model}" if named else "")
        if last:
            _draw_buttons(chat, turn)


def draw_prompt_of(chat: Conversation, turn: Turn) -> None:
    if not turn.prompt:
        return
    with st.chat_message("user", avatar=HUMAN):
        if is_edited(turn):
            draw_editor(chat, turn)
        else:
            markdown.draw(turn.prompt, typed=True)
            draw_images(chat, turn)


def _draw_reply(agent: Agent, chat: Conversation, turn: Turn, *, last: bool) -> None:
    """What was thought and said, and how it ended."""
    if turn.thinking:
        with st.expander("Thinking", icon=":material/psychology:", type="compact"):
            markdown.draw(turn.thinking)
    if turn.reply:
        markdown.draw(turn.reply)
    _draw_end(agent, chat, turn, last=last)


def _draw_footer(agent: Agent, chat: Conversation, turn: Turn, alternatives: tuple[int, ...], by: str) -> None:
    """What the reply was made by and from, in a line, the arrows of its branches, and the menu."""
    receipt = Receipt.of(turn)
    if receipt is not None and receipt.verdict is Verdict.CUT:
        st.warning("The model's server cut the beginning of the conversation.", icon=":material/content_cut:")
    if turn.mark is not None:
        st.caption(_MARKS[turn.mark])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(" · ".join(_facts(turn, receipt)), width="content")
        if alternatives:
            _draw_arrows(chat, turn, alternatives)
        chosen = st.menu_button(
            f"Turn {turn.depth:,}{as_plain(by)}",
            actions_of(turn),
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"menu of {turn.id}",
        )
    if chosen is not None:
        act(agent, chat, turn, chosen)


def _facts(turn: Turn, receipt: Receipt | None) -> list[str]:
    said = [as_plain(turn.model)] if turn.model else []
    if receipt is not None:
        said += facts(receipt)
    if turn.duration and turn.status is not Status.INTERRUPTED and turn.model:
        said.append(seconds(turn.duration))
    return said + ([_RATED[turn.rating]] if turn.rating else [])


def _draw_arrows(chat: Conversation, turn: Turn, alternatives: tuple[int, ...]) -> None:
    here, most = alternatives.index(turn.id), len(alternatives)
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
        _draw_arrow("Previous", chat, turn, alternatives[here - 1] if here else None)
        st.caption(f"{here + 1} of {most}", width="content")
        _draw_arrow("Next", chat, turn, alternatives[here + 1] if here + 1 < most else None)


def _draw_arrow(label: str, chat: Conversation, turn: Turn, target: int | None) -> None:
    st.button(
        label,
        icon=":material/chevron_left:" if label == "Previous" else ":material/chevron_right:",
        key=f"{label} to {turn.id}",
        type="tertiary",
        disabled=target is None,
        on_click=state.go_on,
        args=(partial(chat.switch, target or turn.id),),
    )


def _draw_end(agent: Agent, chat: Conversation, turn: Turn, *, last: bool) -> None:
    """Say how a reply ended that did not reach its end, and offer to go on or to ask again."""
    if turn.status is Status.COMPLETE:
        if not turn.reply:
            st.caption("The model answered without a word.")
        return
    if turn.status is Status.STOPPED:
        st.caption(":material/stop_circle: You stopped this reply.")
    elif turn.status is Status.RUNNING:
        st.caption(":material/pending: This reply is being written.")
    elif turn.status is Status.FAILED:
        draw_failure(agent, turn.model, turn.error or "The reply failed.", last=last)
    else:
        st.warning(as_plain(turn.error or "The reply was interrupted."), icon=":material/power_off:")
    if last:
        with st.container(horizontal=True):
            if turn.reply:
                _draw_button("Continue", ":material/play_arrow:", turn, chat.continue_)
            _draw_button("Try again", ":material/refresh:", turn, chat.regenerate)
            if ModelMissing.is_said_by(turn.error):
                draw_pull_offer(agent, turn.model, f"pull {turn.id}")


def _draw_buttons(chat: Conversation, turn: Turn) -> None:
    """What one does most with the newest reply; the menu has it for all."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if turn.reply:
            _draw_thumbs(chat, turn)
            copy = partial(browser.copy, turn.reply)
            st.button("Copy", icon=":material/content_copy:", key=f"copy {turn.id}", type="tertiary", on_click=copy)
        if turn.status is Status.COMPLETE and turn.prompt:
            _draw_button("Answer again", ":material/refresh:", turn, chat.regenerate, kind="tertiary")


def _draw_thumbs(chat: Conversation, turn: Turn) -> None:
    key = f"rating of {turn.id}"
    st.session_state[key] = {GOOD: 1, BAD: 0}.get(turn.rating or 0)
    st.feedback("thumbs", key=key, on_change=lambda: _rate(chat, turn, st.session_state[key]))


def _rate(chat: Conversation, turn: Turn, thumb: int | None) -> None:
    state.attempt(partial(chat.rate, turn.id, None if thumb is None else (BAD, GOOD)[thumb]))


def _draw_button(
    label: str,
    icon: str,
    turn: Turn,
    act: Callable[[int], object],
    *,
    kind: Literal["secondary", "tertiary"] = "secondary",
) -> None:
    click = partial(act, turn.id)
    st.button(label, icon=icon, key=f"{label} {turn.id}", type=kind, on_click=state.go_on, args=(click,))
