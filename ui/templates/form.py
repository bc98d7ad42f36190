"""The form in which a template is made or changed."""

from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from agent import Agent, Template, WindowseatError
from ui import state
from ui.parameters import draw_number, draw_parameters
from ui.words import AUTO, MOST_TURNS, as_plain

CHOSEN = "chosen_template"
"""The name of the one in the list that is chosen."""

_EDITING = "template_editing"
_DEFAULT = ""
_NUMBER = "template_editing_number"


@dataclass(frozen=True, slots=True)
class Editing:
    """What the form begins with, and the `name` of the template that it changes; None for a new one.

    Each time has a `number` of its own, so that no field shows what was typed another time.
    """

    start: Template
    name: str | None = None
    number: int = 0

    @property
    def key(self) -> str:
        return f"template {self.number}"


def begin_editing(editing: Editing) -> None:
    number = st.session_state.get(_NUMBER, 0) + 1
    st.session_state.update({_NUMBER: number, _EDITING: replace(editing, number=number)})


def editing() -> Editing | None:
    found: Editing | None = st.session_state.get(_EDITING)
    return found


def draw_form(agent: Agent, edited: Editing) -> None:
    """No form of Streamlit's: what is typed in one is known only once it is sent, and lost with a look elsewhere."""
    st.subheader(f"Edit {as_plain(edited.name)}" if edited.name is not None else "New template", anchor=False)
    with st.container(border=True):
        typed = _draw_fields(agent, edited)
        with st.container(horizontal=True):
            saved = st.button("Save", type="primary")
            st.button("Cancel", on_click=_end_editing, args=(edited.name,))
    if saved:
        try:
            _save(agent, edited, typed)
        except WindowseatError as error:
            st.error(as_plain(str(error)), icon=":material/error:")
        else:
            state.leave_done(f"Saved “{typed.name}”.")
            st.rerun()


def _save(agent: Agent, edited: Editing, typed: Template) -> None:
    if edited.name is None:
        agent.add_template(typed)
    else:
        agent.change_template(edited.name, typed)
    _end_editing(typed.name)


def _end_editing(name: str | None) -> None:
    """Go back to the list, with the one of that name chosen."""
    st.session_state.pop(_EDITING, None)
    st.session_state[CHOSEN] = name


def _draw_fields(agent: Agent, edited: Editing) -> Template:
    """What stands in the form; what is empty is left to the defaults."""
    start = edited.start
    write, write_more = partial(_draw_text, edited.key), partial(_draw_long_text, edited.key)
    name = write("Name", start.name, most=200)
    system_prompt = write_more("System prompt", start.system_prompt, "What the model is told first.", height=160)
    welcome = write("Welcome line", start.welcome, "Shown before the first prompt.", most=500)
    openings = write_more("Openings, one a line", "\n".join(start.openings), "First prompts to choose from.")
    tags = write("Tags, with commas between them", ", ".join(start.tags))
    return Template(
        name.strip(),
        system_prompt=system_prompt,
        model=_draw_model(agent, edited),
        window_turns=_draw_window(agent, edited),
        parameters=draw_parameters(start.parameters, edited.key, kept="session"),
        openings=_parts(openings, "\n", start.openings),
        welcome=welcome,
        tags=_parts(tags, ",", start.tags),
    )


def _draw_text(key: str, label: str, text: str, says: str | None = None, *, most: int | None = None) -> str:
    return st.text_input(label, text, most, key=f"{key} {label}", help=says, persist_state="session")


def _draw_long_text(key: str, label: str, text: str, says: str, *, height: int | None = None) -> str:
    return st.text_area(label, text, height, key=f"{key} {label}", help=says, persist_state="session")


def _draw_model(agent: Agent, edited: Editing) -> str | None:
    model = edited.start.model or _DEFAULT
    options = list(dict.fromkeys([_DEFAULT, AUTO, *agent.models().names, model]))
    chosen = st.selectbox(
        "Model",
        options,
        options.index(model),
        key=f"{edited.key} model",
        format_func=lambda name: name or f"The default: {agent.settings.model}",
        accept_new_options=True,
        help="One of these, or any other name that you type.",
        persist_state="session",
    )
    return chosen or None


def _draw_window(agent: Agent, edited: Editing) -> int | None:
    default = f"The default: {agent.settings.window_turns}"
    turns, key = edited.start.window_turns, f"{edited.key} window"
    return draw_number("Window, in turns", turns, 0, MOST_TURNS, key=key, placeholder=default, kept="session")


def _parts(typed: str, between: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """What was typed, part by part; the parts as they were before where nobody changed them."""
    if typed == (between if between == "\n" else ", ").join(before):
        return before
    return tuple(part.strip() for part in typed.split(between) if part.strip())
