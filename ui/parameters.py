"""The parameters of a model, as fields: of a session, and of a template."""

from typing import Any, Literal, TypeVar

import streamlit as st

from agent import Parameters

N = TypeVar("N", int, float)
Kept = Literal["session"] | None
"""Whether what is typed outlasts a look at another page."""

_THINKING: dict[str, bool | str | None] = {
    "Left to the model": None,
    "On": True,
    "Off": False,
    "Low": "low",
    "Medium": "medium",
    "High": "high",
}
_MOST_SEED = 2**31 - 1
_NARROW = 150
"""Four beside each other on a desk, two on a phone."""


def draw_parameters(given: dict[str, Any], key: str, *, kept: Kept = None) -> dict[str, Any]:
    """What stands in the fields; what is empty is left to the model. Their keys begin with `key`."""
    with st.container(horizontal=True):
        chosen = {
            "temperature": _draw_parameter("Temperature", "temperature", given, key, 2.0, 0.1, kept=kept),
            "top_p": _draw_parameter("Top p", "top_p", given, key, 1.0, 0.05, kept=kept),
            "seed": _draw_parameter("Seed", "seed", given, key, _MOST_SEED, 1, placeholder="Any", kept=kept),
            "thinking": _draw_thinking(given.get("thinking"), key, kept),
        }
    return {name: value for name, value in chosen.items() if value is not None}


def draw_number(
    label: str,
    value: N | None,
    least: N,
    most: N,
    step: N | None = None,
    *,
    key: str,
    placeholder: str = "Default",
    kept: Kept = None,
    **more: Any,
) -> N | None:
    """A number that can be taken away again: Streamlit allows that only where none stands there by itself.

    So it is set through the session's state, under a key with the value in it: for another value the field is new.
    """
    key = f"{key} {value}"
    st.session_state.setdefault(key, value if value is None else type(least)(value))
    number: N | None = st.number_input(
        label, least, most, None, step, key=key, placeholder=placeholder, persist_state=kept, **more
    )
    return number


def _draw_parameter(label: str, name: str, given: dict[str, Any], key: str, most: N, step: N, **more: Any) -> N | None:
    value, least = given.get(name), type(most)(0)
    return draw_number(label, value, least, most, step, key=f"{key} {name}", help=_says(name), width=_NARROW, **more)


def _draw_thinking(thinking: bool | str | None, key: str, kept: Kept) -> bool | str | None:  # noqa: FBT001 - one of its values
    chosen = st.selectbox(
        "Thinking",
        list(_THINKING),
        list(_THINKING.values()).index(thinking),
        key=f"{key} thinking {thinking}",
        width=_NARROW,
        help=_says("thinking"),
        persist_state=kept,
    )
    return _THINKING[chosen]


def _says(parameter: str) -> str | None:
    return Parameters.model_fields[parameter].description
