"""Templates: what a session can begin with. One looks at them, begins with one, makes and changes them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import streamlit as st

from agent import Agent, Template
from ui import state
from ui.dialogs import close_dialog, confirm, open_dialog
from ui.notices import told
from ui.templates.form import CHOSEN, Editing, begin_editing, draw_form, editing
from ui.words import as_plain, count

PAGE = 20
"""Templates shown at first, and added with each click."""

_SHOWN = "templates_shown"


def draw_templates(agent: Agent) -> None:
    st.header("Templates", anchor=False)
    if edited := editing():
        draw_form(agent, edited)
        return
    st.caption("What a session can begin with. It takes a copy: a template that changes later changes no session.")
    new = Editing(Template(""))
    st.button("New template", icon=":material/add:", on_click=begin_editing, args=(new,))
    _draw_list(agent, agent.templates())


def _draw_list(agent: Agent, templates: tuple[Template, ...]) -> None:
    tag = _draw_tags(templates)
    found = {template.name: template for template in templates if tag is None or tag in template.tags}
    if not found:
        st.info("No template yet: make one.")
        return
    shown = st.session_state.get(_SHOWN, PAGE)
    names = list(found)[:shown]
    if st.session_state.get(CHOSEN) not in names:
        st.session_state[CHOSEN] = names[0]
    chosen = st.radio(
        "Templates",
        names,
        key=CHOSEN,
        format_func=as_plain,
        captions=[in_words(found[name]) for name in names],
        label_visibility="collapsed",
        width="stretch",
    )
    if (more := len(found) - shown) > 0 and st.button(f"More templates ({more:,})", type="tertiary"):
        st.session_state[_SHOWN] = shown + PAGE
        st.rerun()
    _draw_chosen(agent, found[chosen])


def _draw_tags(templates: tuple[Template, ...]) -> str | None:
    tags = sorted({tag for template in templates for tag in template.tags})
    return st.pills("Tag", tags, format_func=as_plain) if tags else None


def in_words(template: Template) -> str:
    """What it sets, in Markdown, and its tags."""
    said = ["a system prompt"] if template.system_prompt else []
    if template.model is not None:
        said.append(f"model {as_plain(template.model)}")
    if template.window_turns is not None:
        said.append(f"a window of {count(template.window_turns, 'turn')}")
    said += [f"{as_plain(name)} {as_plain(str(value).lower())}" for name, value in template.parameters.items()]
    if template.openings:
        said.append(count(len(template.openings), "opening"))
    tags = f":material/label: {as_plain(', '.join(template.tags))}" if template.tags else ""
    return " · ".join(filter(None, [", ".join(said) or "sets nothing", tags]))


def _draw_chosen(agent: Agent, template: Template) -> None:
    with st.container(horizontal=True, key="template_actions"):
        for label, icon, kind, act in _ACTIONS:
            do = partial(state.attempt, partial(_with_chosen, agent, act))
            st.button(label, icon=f":material/{icon}:", type=kind, on_click=do)
    if template.welcome:
        st.markdown(as_plain(template.welcome))
    if template.system_prompt:
        st.caption("System prompt")
        st.code(template.system_prompt, language=None, wrap_lines=True)
    if template.openings:
        st.caption("Openings")
        st.markdown("\n".join(f"- {as_plain(' '.join(opening.split()))}" for opening in template.openings))


def _with_chosen(agent: Agent, act: Callable[[Agent, Template], None]) -> None:
    """With the one that is chosen when the button is clicked: that may be before the page was drawn with it."""
    act(agent, agent.template(st.session_state[CHOSEN]))


def _begin(agent: Agent, template: Template) -> None:
    state.choose(agent.begin(template=template.name).session_id)


def _edit(_: Agent, template: Template) -> None:
    begin_editing(Editing(template, template.name))


def _copy(_: Agent, template: Template) -> None:
    begin_editing(Editing(replace(template, name=f"{template.name[:190]} (copy)")))


def _ask_to_delete(agent: Agent, template: Template) -> None:
    open_dialog(partial(_delete, agent, template.name))


_ACTIONS: tuple[tuple[str, str, Literal["primary", "secondary"], Callable[[Agent, Template], None]], ...] = (
    ("Begin a session", "add_comment", "primary", _begin),
    ("Edit", "edit", "secondary", _edit),
    ("Copy", "content_copy", "secondary", _copy),
    ("Delete", "delete", "secondary", _ask_to_delete),
)


@st.dialog("Delete template?", icon=":material/delete:", on_dismiss=close_dialog)
@told
def _delete(agent: Agent, name: str) -> None:
    st.write(f"**{as_plain(name)}** will be deleted for good. Sessions that began with it keep what they took.")
    confirm("Delete", partial(agent.delete_template, name))
