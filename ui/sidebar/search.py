"""Search in everything that was ever said, and the questions asked last."""

from functools import partial

import streamlit as st

from agent import Agent, Filters, Findings, Hit, Sender, Snippet, WindowseatError
from ui import browser, keys, state
from ui.chat.recent import draw_recent
from ui.dialogs import close_dialog, is_dialog_open, leave_if_closed, open_dialog
from ui.entrance import guarded
from ui.times import ago
from ui.words import as_plain

PAGE = 10

_TYPED = "search"
_SHOWN = "hits shown"
_HERE = "search here"
_SAID_BY_FIRST = "search senders at first"
_EVERYBODY, _YOU = "Everybody", "You"
_SENDERS = {_EVERYBODY: None, _YOU: Sender.HUMAN, "The models": Sender.AI}
_SAID_BY = {Sender.HUMAN: "you", Sender.AI: "reply", Sender.TOOL: "tool", Sender.SYSTEM: "system"}


def draw_search(agent: Agent) -> None:
    pressed = st.button("Search", icon=":material/search:", width="stretch", key="open_search", shortcut=keys.SEARCH)
    if pressed and not is_dialog_open():
        _open(agent, _EVERYBODY)


def open_search(agent: Agent, typed: str, *, here: bool = False) -> None:
    """In a callback: search for that in what people asked, in the open session only with `here`."""
    st.session_state[_TYPED] = typed
    st.session_state[_HERE] = here
    _open(agent, _YOU)


def _open(agent: Agent, said_by: str) -> None:
    st.session_state[_SHOWN] = PAGE
    st.session_state[_SAID_BY_FIRST] = said_by
    browser.focus('[role="dialog"] input[type="text"]')
    open_dialog(partial(_search, agent))


@st.dialog("Search", width="medium", icon=":material/search:", on_dismiss=close_dialog)
@guarded
def _search(agent: Agent) -> None:
    typed = st.text_input(
        "Search in titles, prompts and replies",
        key=_TYPED,
        placeholder='words, begin*, "a phrase"',
        live=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    try:
        if typed and typed.strip():
            _draw_found(agent, typed)
        else:
            draw_recent(agent, "search")
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")
    leave_if_closed()


def _draw_found(agent: Agent, typed: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        said_by = st.segmented_control(
            "Said by",
            _SENDERS,
            default=st.session_state.get(_SAID_BY_FIRST, _EVERYBODY),
            required=True,
            label_visibility="collapsed",
            key="search senders",
        )
        here = st.toggle("Only this session", key=_HERE)
        best = st.toggle("Best first", key="search best")
    chat = state.current(agent) if here else None
    filters = Filters(sender=_SENDERS[said_by or _EVERYBODY], session_id=chat.session_id if chat else None)
    shown = st.session_state.get(_SHOWN, PAGE)
    found = agent.search(typed, filters, best=best, count=shown)
    _draw_hits(agent, found)
    if found.after is not None and st.button("More", icon=":material/expand_more:", type="tertiary", key="more hits"):
        st.session_state[_SHOWN] = shown + PAGE
        st.rerun(scope="fragment")


def _draw_hits(agent: Agent, found: Findings) -> None:
    if not found.hits:
        st.caption("Nothing holds that.")
        return
    if found.widened:
        st.caption("Nothing holds these words; these hold words that begin like them.")
    if found.ranked is not None:
        st.caption(f"The best of the newest {found.ranked:,}.")
    with st.container(gap="xxsmall"):
        for place, hit in enumerate(found.hits):
            st.button(_label(hit), key=f"hit {place}", type="tertiary", on_click=_go_to, args=(agent, hit))
            st.caption(_marked(hit.snippet))


def _label(hit: Hit) -> str:
    where = "title" if hit.sender is None else _SAID_BY[hit.sender]
    return f"**{as_plain(hit.title or 'New session')}** · {where} · {ago(hit.moment)}"


def _marked(snippet: Snippet) -> str:
    return "".join(f":orange-background[{as_plain(text)}]" if hit else as_plain(text) for text, hit in snippet.pieces)


def _go_to(agent: Agent, hit: Hit) -> None:
    """To the turn, on its own branch if it is on another one."""
    close_dialog()
    browser.fold_sidebar()
    if hit.turn_id is not None:
        state.attempt(partial(agent.find(hit.session_id).switch, hit.turn_id))
    state.choose(hit.session_id, hit.turn_id)
