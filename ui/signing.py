"""Signing in and out: the form in place of the page, and the line below the list of sessions."""

from uuid import uuid4

import streamlit as st

from agent import AccessRefused, Agent, TokenUnknown, TokenWanted
from ui import browser, entrance
from ui.entrance import guarded
from ui.words import as_plain

_NO_SIDEBAR = """<style>
[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] { display: none; }
</style>"""
"""Streamlit leaves it there, empty, where there was one before."""

_FORM = "name of the form"

WIDE = 400
"""Of the form, in pixels: a phone is narrower, and it with it."""


INTERVAL = 5.0
"""Seconds between two looks at whether one may still be here."""


def draw_entrance(agent: Agent, refused: AccessRefused) -> None:
    """What one sees who is not let in: the form, where a token would help; else why not."""
    st.html(_NO_SIDEBAR)
    with st.container(horizontal_alignment="center"):
        st.space("xlarge")
        with st.container(width=WIDE, gap="small", key="entrance"):
            st.header("Windowseat", icon=":material/airline_seat_recline_normal:", anchor=False)
            if isinstance(refused, TokenWanted):
                _draw_form(agent)
            else:
                st.markdown(as_plain(str(refused)))


def _draw_form(agent: Agent) -> None:
    st.markdown("Sign in with your token. Whoever runs this server makes one, with `python -m api token create OWNER`.")
    # Of a name of its own each time: a browser may remember what stood in a field that it draws again.
    name = st.session_state.setdefault(_FORM, uuid4().hex)
    with st.form(f"sign in {name}", border=False):
        token = st.text_input("Token", type="password", key=f"token {name}", autocomplete="current-password")
        problem = st.empty()
        asked = st.form_submit_button("Sign in", type="primary", icon=":material/login:", width="stretch")
    if asked and _signed_in(agent, token.strip()):
        st.rerun()
    if reason := entrance.reason():
        problem.error(as_plain(reason), icon=":material/error:")
    browser.focus('.st-key-entrance input[type="password"]')


def _signed_in(agent: Agent, token: str) -> bool:
    """Whether it opens the page; else why not is said."""
    if not token:
        entrance.say_why("Write or paste your token first.")
        return False
    try:
        entrance.sign_in(agent, token)
    except TokenUnknown as error:
        entrance.say_why(str(error))
        return False
    return True


def draw_sign_out() -> None:
    """The owner's name, and the way out; nothing for who came without a token, and has nothing to forget."""
    visit = entrance.visit_now()
    if visit is None or visit.number is None:
        return
    with st.sidebar.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="owner"
    ):
        st.markdown(f":material/person: {as_plain(visit.owner)}", width="content")
        st.button("Sign out", icon=":material/logout:", type="tertiary", key="sign_out", on_click=entrance.sign_out)


@st.fragment(run_every=INTERVAL)
@guarded
def draw_guard() -> None:
    """For a page that looks at nothing by itself, and would stay open after its token was revoked."""


def draw_cookie() -> None:
    """Have the browser remember or forget the token. Before what the browser is asked for is drawn."""
    token = entrance.take_cookie()
    if token is not None:
        browser.keep_cookie(entrance.COOKIE, token)
