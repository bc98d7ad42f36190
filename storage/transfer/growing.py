"""Conversations whose session is there: what they have more is added, beside or below what is there."""

from collections import Counter
from dataclasses import replace

import sqlalchemy as sa

from storage.branches import leave_branch
from storage.database import Transaction
from storage.images import keep_images
from storage.index import put_turn
from storage.marks import MOST_PINNED
from storage.records import Mark
from storage.rows import ANY_RUNNING, find_session
from storage.schema import sessions
from storage.transfer.adding import Into, Node, add_turns, nodes_of
from storage.transfer.founding import ADD_TEXT, finish, text_row
from storage.transfer.giving import talk_of
from storage.transfer.matching import goes_on, matched, nobody_went_on, within_pins
from storage.transfer.taken import Fate, Taken
from storage.transfer.talk import Talk, TalkMessage

_NEWEST = sa.select(sessions.c.newest_turn).where(sessions.c.id == sa.bindparam("key"))


class Growing:
    """One conversation and its session, as both are in one transaction; to write, the session is locked before."""

    def __init__(self, transaction: Transaction, owner: str, talk: Talk, name: str) -> None:
        """Raises SessionNotFound."""
        self._transaction, self._owner, self._name = transaction, owner, name
        self._there = talk_of(transaction, owner, name)
        self._places = matched(talk, self._there)
        self._talk = self._fitted(talk)
        self._missing = [turn for turn, place in zip(self._talk.turns, self._places, strict=True) if place is None]
        self._told = self._untold()

    def look(self) -> Taken:
        """What would come in."""
        if not self._missing and not self._told:
            return Taken.of(Fate.KNOWN, self._talk, self._name)
        key = find_session(self._transaction, self._owner, self._name).key
        if self._transaction.value(ANY_RUNNING, {"key": key}) is not None:
            return Taken.of(Fate.BUSY, self._talk, self._name)
        return Taken.of(Fate.GROWN, self._talk, self._name, self._missing, len(self._told))

    def grow(self, into: Into) -> Taken:
        """Raises TextRefused, Stopped."""
        taken = self.look()
        if taken.fate is not Fate.GROWN:
            return taken
        key, head, *_ = find_session(self._transaction, self._owner, self._name)
        texts = self._add_texts(key)
        keep_images(self._transaction, key, self._talk.images)
        rows = nodes_of(self._transaction, key)
        there = [None if place is None else rows[place] for place in self._places]
        nodes = add_turns(into.of(key, texts), self._talk, there, self._told)
        added = [node for node, known in zip(nodes, there, strict=True) if known is None]
        self._finish(key, head, taken, nodes, added)
        return taken

    def _finish(self, key: int, head: int | None, taken: Taken, nodes: list[Node], added: list[Node]) -> None:
        new_head = self._moved(head, None if self._talk.head is None else nodes[self._talk.head].id)
        newest = max(node.id for node in added) if added else self._transaction.value(_NEWEST, {"key": key})
        finish(self._transaction, key, self._talk, taken, new_head, newest)
        for node in added:
            put_turn(self._transaction, node.id)

    def _moved(self, head: int | None, last: int | None) -> int | None:
        """The new head: the conversation's, unless somebody has gone on here in another way."""
        if head is None or last is None or head == last:
            return head if last is None else last
        if goes_on(self._talk, self._there, self._places):
            return last
        if nobody_went_on(self._talk, self._there, self._places):
            leave_branch(self._transaction, head, last)
            return last
        leave_branch(self._transaction, last, head)
        return head

    def _untold(self) -> list[tuple[int, TalkMessage]]:
        """The system messages that are not there yet."""
        there = Counter(said.content for _, said in self._there.told)
        found = []
        for before, said in self._talk.told:
            if there[said.content]:
                there[said.content] -= 1
            else:
                found.append((before, said))
        return found

    def _add_texts(self, key: int) -> dict[tuple[str, int], int]:
        """Add the versions of texts that are not there, with new numbers where theirs are taken; these by the old."""
        there = {(text.kind, text.version): text.text for text in self._there.texts}
        renumbered: dict[tuple[str, int], int] = {}
        for text in self._talk.texts:
            name = (text.kind, text.version)
            if there.get(name) == text.text:
                continue
            version = text.version
            if name in there:
                version = 1 + max(number for kind, number in there if kind == text.kind)
                renumbered[name] = version
            there[text.kind, version] = text.text
            self._transaction.change(ADD_TEXT, text_row(key, text, version))
        return renumbered

    def _fitted(self, talk: Talk) -> Talk:
        """Keys that turns have here stay with those, and no more are pinned than can be."""
        keys = {turn.idempotency_key for turn in self._there.turns}
        left = within_pins(self._there.turns, MOST_PINNED)
        turns = []
        for turn, place in zip(talk.turns, self._places, strict=True):
            if place is None and turn.mark is Mark.PINNED:
                left -= 1
            mark = None if turn.mark is Mark.PINNED and left < 0 else turn.mark
            key = None if turn.idempotency_key in keys else turn.idempotency_key
            turns.append(turn if place is not None else replace(turn, mark=mark, idempotency_key=key))
        return replace(talk, turns=tuple(turns))
