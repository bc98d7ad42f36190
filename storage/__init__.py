"""Windowseat's store: every session, turn and message, kept in SQL.

    with Store("sqlite:///chat.db") as store:
        store.sessions.start("local", "lisbon")

LangChain code that takes a chat message history takes `storage.history.ChatMessageHistory`.
"""

from storage.branches import Siblings
from storage.cleanup import MOST_DAYS, Deleted, Unused
from storage.clock import Clock, system_clock
from storage.errors import (
    SessionBusy,
    SessionEnded,
    SessionNotFound,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNotOurs,
    StoreReadOnly,
    StoreUnavailable,
    TemplateExists,
    TemplateNotFound,
    TextRefused,
    TurnExists,
    TurnNotFound,
    WindowseatError,
)
from storage.place import default_url
from storage.records import (
    TEXTS,
    DayUse,
    Figures,
    Json,
    Message,
    ModelUse,
    OpenedTurn,
    Order,
    Outcome,
    RecentTurn,
    Sender,
    Session,
    SessionFilters,
    SessionPage,
    SessionPlace,
    SessionText,
    Spread,
    Status,
    Tally,
    Template,
    Totals,
    Turn,
    as_tag,
)
from storage.running import INTERRUPTED, LEASE, Piece
from storage.search import Filters, Findings, Hit, Place
from storage.snippet import Snippet
from storage.store import Store

__all__ = [
    "INTERRUPTED",
    "LEASE",
    "MOST_DAYS",
    "TEXTS",
    "Clock",
    "DayUse",
    "Deleted",
    "Figures",
    "Filters",
    "Findings",
    "Hit",
    "Json",
    "Message",
    "ModelUse",
    "OpenedTurn",
    "Order",
    "Outcome",
    "Piece",
    "Place",
    "RecentTurn",
    "Sender",
    "Session",
    "SessionBusy",
    "SessionEnded",
    "SessionFilters",
    "SessionNotFound",
    "SessionPage",
    "SessionPlace",
    "SessionText",
    "Siblings",
    "Snippet",
    "Spread",
    "Status",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreNotOurs",
    "StoreReadOnly",
    "StoreUnavailable",
    "Tally",
    "Template",
    "TemplateExists",
    "TemplateNotFound",
    "TextRefused",
    "Totals",
    "Turn",
    "TurnExists",
    "TurnNotFound",
    "Unused",
    "WindowseatError",
    "as_tag",
    "default_url",
    "system_clock",
]
