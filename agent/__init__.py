"""Windowseat's agent: conversations that remember, with models on your own machine.

from agent import Agent

agent = Agent()
chat = agent.conversation("lisbon")
reply = chat.send("I go to Lisbon in May.")
"""

from agent.agent import LOCAL, Agent, Stats
from agent.context import Context, Receipt
from agent.conversation import Conversation
from agent.echo import EchoModel
from agent.errors import (
    AgentClosed,
    ModelError,
    ModelFailed,
    ModelTimeout,
    ModelUnavailable,
    ModelUnknown,
    PromptRefused,
    ReplyCut,
    SettingsInvalid,
)
from agent.memory import WindowMemory
from agent.models import Catalogue, Choice
from agent.reply import Reply
from agent.settings import Settings
from storage import (
    DayUse,
    Filters,
    Findings,
    Hit,
    Message,
    Place,
    Sender,
    Session,
    SessionBusy,
    SessionNotFound,
    SessionPage,
    Siblings,
    Snippet,
    Status,
    StoreError,
    TextRefused,
    Totals,
    Turn,
    TurnNotFound,
    WindowseatError,
)

__all__ = [
    "LOCAL",
    "Agent",
    "AgentClosed",
    "Catalogue",
    "Choice",
    "Context",
    "Conversation",
    "DayUse",
    "EchoModel",
    "Filters",
    "Findings",
    "Hit",
    "Message",
    "ModelError",
    "ModelFailed",
    "ModelTimeout",
    "ModelUnavailable",
    "ModelUnknown",
    "Place",
    "PromptRefused",
    "Receipt",
    "Reply",
    "ReplyCut",
    "Sender",
    "Session",
    "SessionBusy",
    "SessionNotFound",
    "SessionPage",
    "Settings",
    "SettingsInvalid",
    "Siblings",
    "Snippet",
    "Stats",
    "Status",
    "StoreError",
    "TextRefused",
    "Totals",
    "Turn",
    "TurnNotFound",
    "WindowMemory",
    "WindowseatError",
]
