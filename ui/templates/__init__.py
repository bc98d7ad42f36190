"""Templates: what a session can begin with. One looks at them, begins with one, makes and changes them."""

from dataclasses import replace
from functools import partial

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
        begin = partial(state.attempt, partial(_begin, agent, template.name))
        st.button("Begin a session", icon=":material/add_comment:", type="primary", on_click=begin)
        changed, copied = (
            Editing(template, template.name),
            Editing(replace(template, name=f"{template.name[:190]} (copy)")),
        )
        st.button("Edit", icon=":material/edit:", on_click=begin_editing, args=(changed,))
        st.button("Copy", icon=":material/content_copy:", on_click=begin_editing, args=(copied,))
        delete = partial(_delete, agent, template.name)
        st.button("Delete", icon=":material/delete:", on_click=open_dialog, args=(delete,))
    if template.welcome:
        st.markdown(as_plain(template.welcome))
    if template.system_prompt:
        st.caption("System prompt")
        st.code(template.system_prompt, language=None, wrap_lines=True)
    if template.openings:
        st.caption("Openings")
        st.markdown("\n".join(f"- {as_plain(' '.join(opening.split()))}" for opening in template.openings))


def _begin(agent: Agent, name: str) -> None:
    state.choose(agent.begin(template=name).session_id)


@st.dialog("Delete template?", icon=":material/delete:", on_dismiss=close_dialog)
@told
def _delete(agent: Agent, name: str) -> None:
    st.write(f"**{as_plain(name)}** will be deleted for good. Sessions that began with it keep what they took.")
    confirm("Delete", partial(agent.delete_template, name))
