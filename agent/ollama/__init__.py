"""Ollama: which models its server has and what they can, how one gets them, and a chat model that tells the truth."""

from agent.ollama.chat import OllamaChat, Patience
from agent.ollama.pull import Progress, Pull
from agent.ollama.server import Facts, HeldModel, OllamaModel, OllamaServer, full_name

__all__ = [
    "Facts",
    "HeldModel",
    "OllamaChat",
    "OllamaModel",
    "OllamaServer",
    "Patience",
    "Progress",
    "Pull",
    "full_name",
]
