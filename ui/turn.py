"""One turn: its prompt, its reply, what the model thought, how it ended, and what one can do with it."""

import re
from collections.abc import Callable
from functools import partial

import streamlit as st

from agent import Agent, Conversation, Image, Mark, ModelMissing, Receipt, Status, Turn, Verdict, WindowseatError
from ui import markdown, state
from ui.pull import draw_failure, draw_pull_offer
from ui.receipt import facts, show_receipt
from ui.words import as_plain, seconds

HUMAN, ASSISTANT = ":material/person:", ":material/airline_seat_recline_normal:"
SAW = ":material/receipt_long: What the model saw"
AGAIN = ":material/refresh: Answer again"
CONTINUE = ":material/play_arrow: Continue"
PIN, UNPIN = ":material/keep: Pin into the window", ":material/keep_off: Unpin"
EXCLUDE, INCLUDE = ":material/visibility_off: Exclude from the window", ":material/visibility: Include again"

_HARD_BREAK = re.compile(r"(?<! {2})\n(?=\S)")
_MARKS = {
    Mark.PINNED: ":material/keep: Pinned into the window",
    Mark.EXCLUDED: ":material/visibility_off: Excluded from the window",
}


def draw_turn(agent: Agent, chat: Conversation, turn: Turn, *, last: bool) -> None:
    """`last` is the newest of the path, while nothing runs: only from there one goes on."""
    if turn.prompt:
        draw_prompt_of(turn.prompt, turn.messages[0].images)
    with st.chat_message("assistant", avatar=ASSISTANT):
        draw_thinking(turn.thinking)
        if turn.reply:
            markdown.draw(turn.reply)
        _draw_end(agent, chat, turn, last=last)
        _draw_facts(chat, turn)


def draw_prompt_of(prompt: str, images: tuple[Image, ...] = ()) -> None:
    with st.chat_message("user", avatar=HUMAN):
        markdown.draw(_HARD_BREAK.sub("  \n", prompt))
        if images:
            st.caption(":material/image: " + as_plain(", ".join(image.name for image in images)))


def draw_thinking(thinking: str) -> None:
    """Folded away: it is no part of the reply."""
    if thinking:
        with st.expander("Thinking", icon=":material/psychology:"):
            markdown.draw(thinking)


def _draw_end(agent: Agent, chat: Conversation, turn: Turn, *, last: bool) -> None:
    """Say how a reply ended that did not reach its end, and offer to go on or to ask again."""
    if turn.status is Status.COMPLETE:
        if not turn.reply:
            st.caption("The model answered without a word.")
        return
    if turn.status is Status.STOPPED:
        st.caption(":material/stop_circle: You stopped this reply.")
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


def _draw_button(label: str, icon: str, turn: Turn, act: Callable[[int], object]) -> None:
    key = f"{label} {turn.id}"
    st.button(label, icon=icon, key=key, on_click=state.attempt, args=(partial(act, turn.id),))


def _draw_facts(chat: Conversation, turn: Turn) -> None:
    """What the reply was made by and from, in a line, with the menu."""
    receipt = Receipt.of(turn)
    if receipt is not None and receipt.verdict is Verdict.CUT:
        st.warning("The model's server cut the beginning of the conversation.", icon=":material/content_cut:")
    said = [as_plain(turn.model)] if turn.model else []
    if receipt is not None:
        said += facts(receipt)
    if turn.duration and turn.status is not Status.INTERRUPTED and turn.model:
        said.append(seconds(turn.duration))
    if turn.mark is not None:
        st.caption(_MARKS[turn.mark])
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.caption(" · ".join(said))
        chosen = st.menu_button(
            "Turn", _actions(turn), icon=":material/more_horiz:", type="tertiary", key=f"menu of {turn.id}"
        )
    if chosen is not None:
        _act(chat, turn, chosen)


def _actions(turn: Turn) -> list[str]:
    return [
        SAW,
        AGAIN,
        *([CONTINUE] if turn.reply else []),
        UNPIN if turn.mark is Mark.PINNED else PIN,
        INCLUDE if turn.mark is Mark.EXCLUDED else EXCLUDE,
    ]


def _act(chat: Conversation, turn: Turn, chosen: str) -> None:
    if chosen == SAW:
        try:
            show_receipt(chat, turn)
        except WindowseatError as error:
            state.leave_notice(str(error))
        return
    acts: dict[str, Callable[[], object]] = {
        AGAIN: partial(chat.regenerate, turn.id),
        CONTINUE: partial(chat.continue_, turn.id),
        PIN: partial(chat.mark, turn.id, Mark.PINNED),
        EXCLUDE: partial(chat.mark, turn.id, Mark.EXCLUDED),
        UNPIN: partial(chat.mark, turn.id, None),
        INCLUDE: partial(chat.mark, turn.id, None),
    }
    state.attempt(acts[chosen])
    st.rerun()
