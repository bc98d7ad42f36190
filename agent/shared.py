"""The one agent of a process, for a server whose parts are started by others: page and API share it."""

import atexit
import threading

from agent.agent import Agent
from agent.collector import collect_seldom

_lock = threading.Lock()
_opened: list[Agent] = []


def shared_agent() -> Agent:
    """Made when it is first asked for, by the settings of the environment; closed when the process ends.

    Raises SettingsInvalid, StoreError: asking again tries again.
    """
    with _lock:
        if not _opened:
            collect_seldom()
            _opened.append(Agent())
            atexit.register(close_shared_agent)
        return _opened[0]


def close_shared_agent() -> None:
    """End what runs, since the process ends: who asks for it afterwards gets a closed one. Twice does nothing."""
    with _lock:
        for agent in _opened:
            agent.close()
