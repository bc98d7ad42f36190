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
from agent.parameters import Parameters
from agent.reply import Reply
from agent.settings import Settings
from storage import (
    DayUse,
    Deleted,
    Figures,
    Filters,
    Findings,
    Hit,
    Message,
    ModelUse,
    Order,
    Place,
    RecentTurn,
    Sender,
    Session,
    SessionBusy,
    SessionEnded,
    SessionFilters,
    SessionNotFound,
    SessionPage,
    SessionPlace,
    SessionText,
    Siblings,
    Snippet,
    Spread,
    Status,
    StoreError,
    Tally,
    Template,
    TemplateExists,
    TemplateNotFound,
    TextRefused,
    Totals,
    Turn,
    TurnNotFound,
    Unused,
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
    "Deleted",
    "EchoModel",
    "Figures",
    "Filters",
    "Findings",
    "Hit",
    "Message",
    "ModelError",
    "ModelFailed",
    "ModelTimeout",
    "ModelUnavailable",
    "ModelUnknown",
    "ModelUse",
    "Order",
    "Parameters",
    "Place",
    "PromptRefused",
    "Receipt",
    "RecentTurn",
    "Reply",
    "ReplyCut",
    "Sender",
    "Session",
    "SessionBusy",
    "SessionEnded",
    "SessionFilters",
    "SessionNotFound",
    "SessionPage",
    "SessionPlace",
    "SessionText",
    "Settings",
    "SettingsInvalid",
    "Siblings",
    "Snippet",
    "Spread",
    "Stats",
    "Status",
    "StoreError",
    "Tally",
    "Template",
    "TemplateExists",
    "TemplateNotFound",
    "TextRefused",
    "Totals",
    "Turn",
    "TurnNotFound",
    "Unused",
    "WindowMemory",
    "WindowseatError",
]
