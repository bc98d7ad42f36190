"""What conversations work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from langgraph.graph.state import CompiledStateGraph

from agent.due import Due
from agent.models import Models
from agent.runner import Runner
from agent.settings import Settings
from agent.tokens import Corrections
from agent.watchers import Watchers
from storage import SessionBusy, Store

Graph = CompiledStateGraph[Any, Any, Any, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """Wired once, by the agent.

    `graph` makes LangChain's agent for a model. `due` sends the prompts that waited for
    a turn: whoever has closed it asks for that.
    """

    store: Store
    runner: Runner
    models: Models
    graph: Callable[[str], Graph]
    corrections: Corrections
    settings: Settings
    due: Due
    watchers: Watchers

    def after_sweep(self, act: Callable[[], T]) -> T:
        """Do something that a running turn forbids; where one does, see whether anybody still runs it."""
        try:
            return act()
        except SessionBusy:
            self.runner.sweep()
            return act()
