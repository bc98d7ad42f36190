"""A LangChain chat message history over Windowseat's tables.

langchain-community, which the base class comes from, is being sunset: only this file names it, and nothing
imports this file but the code that uses it.
"""

import asyncio
import warnings
from collections.abc import Sequence

from langchain_core._api import suppress_langchain_deprecation_warning
from langchain_core.messages import BaseMessage

with warnings.catch_warnings(), suppress_langchain_deprecation_warning():
    # The package says at each import that it is being sunset; the README says what that means for us.
    warnings.simplefilter("ignore", DeprecationWarning)
    from langchain_community.chat_message_histories import SQLChatMessageHistory

from storage.errors import SessionBusy
from storage.langchain import to_langchain, to_stored
from storage.store import Store


class ChatMessageHistory(SQLChatMessageHistory):
    """The messages of one session's active path, for LangChain code that takes a `SQLChatMessageHistory`.

    A human message opens a turn, and what follows belongs to it until the next human message. System messages
    are kept, in their place, and are no turn. The session is started if there is none; the store is opened and
    closed by the caller. Reading raises StoreError, writing SessionBusy too, while a reply runs.
    """

    def __init__(self, session_id: str, store: Store, *, owner: str = "local") -> None:
        self.session_id = session_id
        self.async_mode = False
        self._store = store
        self._owner = owner
        store.sessions.start(owner, session_id)

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """All of them, oldest first: the cost grows with the session."""
        return [to_langchain(message) for message in self._store.paths.messages(self._owner, self.session_id)]

    async def aget_messages(self) -> list[BaseMessage]:
        return await asyncio.to_thread(lambda: self.messages)

    def add_message(self, message: BaseMessage) -> None:
        self.add_messages([message])

    async def aadd_message(self, message: BaseMessage) -> None:
        await self.aadd_messages([message])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add them in one transaction."""
        stored = [to_stored(message) for message in messages]
        try:
            self._store.turns.append(self._owner, self.session_id, stored)
        except SessionBusy:
            self._store.running.sweep()  # Whoever ran that turn may be gone.
            self._store.turns.append(self._owner, self.session_id, stored)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        await asyncio.to_thread(self.add_messages, messages)

    def clear(self) -> None:
        """Delete the messages of all branches; the session stays."""
        self._store.sessions.clear(self._owner, self.session_id)

    async def aclear(self) -> None:
        await asyncio.to_thread(self.clear)
