"""What only the browser can do, and Streamlit has no parts for: clipboard, focus, cookies, files, going to a place."""

from functools import cache, partial
from typing import Any
from uuid import uuid4

import streamlit as st

from ui import state
from ui.dialogs import close_dialog, open_dialog

YEAR = 365 * 24 * 60 * 60
"""In seconds."""

_WANTED, _COOKIE, _KEEPER = "wanted of the browser", "cookie to be kept", "keeper of the cookie"

_SCRIPT = """
const done = new Set();

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    try { return document.execCommand("copy"); } finally { area.remove(); }
  }
}

async function found(selector) {
  for (let tries = 0; tries < 100; tries += 1) {
    const element = document.querySelector(selector);
    if (element) return element;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}

// The page may still be growing, and Streamlit scrolls a chat to its end: go on until both rest, or the reader acts.
async function scrolled(selector) {
  let acted = false;
  const act = () => { acted = true; };
  for (const event of ["wheel", "touchstart", "keydown", "pointerdown"]) {
    window.addEventListener(event, act, { once: true, passive: true, capture: true });
  }
  const element = await found(selector);
  if (!element) return;
  element.style.scrollMarginTop = "5rem"; // The page's own header lies above it.
  for (let rested = 0, tries = 0; rested < 10 && tries < 60 && !acted; tries += 1) {
    const before = element.getBoundingClientRect().top;
    element.scrollIntoView({ block: "start" });
    rested = Math.abs(element.getBoundingClientRect().top - before) < 2 ? rested + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// No other site's page brings it along, and no line without encryption where the page itself has one.
function keepCookie({ name, value, seconds }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; SameSite=Strict; Max-Age=${seconds}${secure}`;
}

// The page stays as it is: what comes is kept as a file, under the name that its server gives it.
function download(address) {
  const link = Object.assign(document.createElement("a"), { href: address, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

export default async function ({ data, setTriggerValue }) {
  if (!data || done.has(data.id)) return;
  done.add(data.id);
  if (data.cookie) {
    keepCookie(data.cookie);
    setTriggerValue("kept", data.id);
  }
  if (data.copy !== undefined) setTriggerValue("copied", (await copied(data.copy)) ? "yes" : "no");
  if (data.download) download(data.download);
  if (data.focus) (await found(data.focus))?.focus();
  if (data.fold && window.innerWidth < 768) {
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  }
  if (data.scroll) await scrolled(data.scroll);
}
"""


def copy(text: str) -> None:
    """Have the text in the clipboard after this run; where the browser refuses, show it to be copied by hand."""
    _want(copy=text)


def focus(selector: str) -> None:
    """Put the keyboard's focus on what the CSS selector finds."""
    _want(focus=selector)


def scroll_to(selector: str) -> None:
    _want(scroll=selector)


def download(address: str) -> None:
    """Have the file at this address of our own server among the browser's downloads. It never goes through the page."""
    _want(download=address)


def keep_cookie(name: str, value: str) -> None:
    """For a year, and for all addresses of this server; without a value it is deleted. Both are of plain characters."""
    cookie = {"name": name, "value": value, "seconds": YEAR if value else 0}
    st.session_state[_COOKIE] = {"id": uuid4().hex, "cookie": cookie}


def fold_sidebar() -> None:
    """Where the screen is so narrow that the sidebar lies above the page."""
    _want(fold="yes")


def draw_wanted() -> None:
    """Pass on to the browser what was asked for in this run or just before it. Once, at the end of each run."""
    wanted = st.session_state.pop(_WANTED, {})
    key = f"browser {wanted['id']}" if "copy" in wanted else "browser"
    if wanted:
        _component()(data=wanted, key=key, on_copied_change=lambda: _copied(key, wanted.get("copy", "")))
    # In each run until the browser says that it is done: it may have been busy, and the page drawn anew meanwhile.
    if cookie := st.session_state.get(_COOKIE):
        _component()(data=cookie, key=_KEEPER, on_kept_change=_kept)


def _kept() -> None:
    if st.session_state[_KEEPER]["kept"] == st.session_state.get(_COOKIE, {}).get("id"):
        del st.session_state[_COOKIE]


def _want(**what: str) -> None:
    known: dict[str, Any] = st.session_state.get(_WANTED, {})
    # No number, which would begin anew when the session's state is forgotten: the browser does nothing twice.
    st.session_state[_WANTED] = known | what | {"id": uuid4().hex}


def _copied(key: str, text: str) -> None:
    if st.session_state[key]["copied"] == "yes":
        state.leave_done("Copied.")
    else:
        open_dialog(partial(_show_text, text))


@st.dialog("Copy", width="medium", icon=":material/content_copy:", on_dismiss=close_dialog)
def _show_text(text: str) -> None:
    st.caption("The browser keeps the clipboard to itself: copy it from here.")
    st.code(text, language=None, wrap_lines=True, height=400)


@cache
def _component() -> Any:
    return st.components.v2.component("windowseat_browser", js=_SCRIPT)
