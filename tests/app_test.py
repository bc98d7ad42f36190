"""A page, or a part of one, run without a browser."""

from collections.abc import Callable
from functools import cache
from typing import Any

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

PATIENCE = 20.0
"""Seconds that a run may take, on a machine that does other work too."""


def app_test(script: Callable[..., None], *arguments: Any) -> AppTest:
    """Not yet run. `script` is read as text, so it imports what it uses itself."""
    shown = AppTest.from_function(script, args=arguments, default_timeout=PATIENCE)
    shown._bidi_component_manager = _components()  # noqa: SLF001 - else each one looks for them again
    return shown


@cache
def _components() -> BidiComponentManager:
    """Those that installed packages bring along. Finding them reads what every package says of itself: 0.1 s."""
    found = BidiComponentManager()
    found.discover_and_register_components(start_file_watching=False)
    return found
