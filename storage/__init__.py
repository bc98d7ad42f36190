"""Windowseat's store: every session, turn and message, kept in SQL.

    with Store("sqlite:///chat.db") as store:
        store.sessions.start("local", "lisbon")

LangChain code that takes a chat message history takes `storage.history.ChatMessageHistory`.
"""

from storage.branches import Siblings
from storage.clock import Clock, system_clock
from storage.errors import (
    SessionBusy,
    SessionNotFound,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNotOurs,
    StoreReadOnly,
    StoreUnavailable,
    TextRefused,
    TurnExists,
    TurnNotFound,
    WindowseatError,
)
from storage.place import default_url
from storage.records import (
    DayUse,
    Message,
    OpenedTurn,
    Outcome,
    Sender,
    Session,
    SessionPage,
    Status,
    Totals,
    Turn,
)
from storage.running import INTERRUPTED, LEASE, Piece
from storage.search import Filters, Findings, Hit, Place
from storage.snippet import Snippet
from storage.store import Store

__all__ = [
    "INTERRUPTED",
    "LEASE",
    "Clock",
    "DayUse",
    "Filters",
    "Findings",
    "Hit",
    "Message",
    "OpenedTurn",
    "Outcome",
    "Piece",
    "Place",
    "Sender",
    "Session",
    "SessionBusy",
    "SessionNotFound",
    "SessionPage",
    "Siblings",
    "Snippet",
    "Status",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreNotOurs",
    "StoreReadOnly",
    "StoreUnavailable",
    "TextRefused",
    "Totals",
    "Turn",
    "TurnExists",
    "TurnNotFound",
    "WindowseatError",
    "default_url",
    "system_clock",
]
