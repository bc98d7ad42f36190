"""A session as Markdown: its active path, to be read by people and by other programs."""

import re

from storage.records import Sender, Status
from storage.transfer.talk import Talk, TalkMessage, TalkTurn

_FENCES = re.compile(r"^\s*(`{3,}|~{3,})", re.MULTILINE)

CALLED = {Sender.HUMAN: "Prompt", Sender.AI: "Reply", Sender.TOOL: "Tool", Sender.SYSTEM: "System"}
ENDED = {
    Status.STOPPED: "This reply was stopped.",
    Status.FAILED: "This reply failed.",
    Status.INTERRUPTED: "This reply was interrupted.",
}


def path_of(talk: Talk) -> list[TalkTurn]:
    """The turns of the active path, oldest first."""
    found, place = [], talk.head
    while place is not None:
        found.append(talk.turns[place])
        place = talk.turns[place].parent
    return found[::-1]


def thinking_of(said: TalkMessage) -> str:
    """What a model thought before it answered, "" where it did not say."""
    kept = ((said.full or {}).get("data") or {}).get("additional_kwargs") or {}
    thought = kept.get("reasoning_content") if isinstance(kept, dict) else None
    return thought if isinstance(thought, str) else ""


def notes_of(talk: Talk) -> list[str]:
    """What there is to say of a session beside its turns."""
    path = len(path_of(talk))
    notes = [f"Begun {talk.created_at:%Y-%m-%d %H:%M} UTC, last used {talk.last_activity:%Y-%m-%d %H:%M} UTC."]
    if talk.tags:
        notes.append(f"Tags: {', '.join(talk.tags)}.")
    if others := len(talk.turns) - path:
        notes.append(f"{others:,} more turns are on other branches: they are in the JSON file.")
    return notes


def as_markdown(talk: Talk) -> str:
    """Prompts and replies as they were written, below headings."""
    parts = [f"# {_line(talk.title or talk.session_id)}", *notes_of(talk)]
    for turn in path_of(talk):
        parts += [part for said in turn.messages for part in _said(turn, said)]
        if turn.status in ENDED:
            parts.append(f"*{turn.error or ENDED[turn.status]}*")
    return "\n\n".join(part for part in parts if part) + "\n"


def _said(turn: TalkTurn, said: TalkMessage) -> list[str]:
    heading = f"## {CALLED[said.sender]}"
    if said.sender is Sender.AI and turn.model:
        heading += f" by {_line(turn.model)}"
    at = said.at or turn.opened_at
    thought = thinking_of(said)
    folded = f"<details><summary>Thinking</summary>\n\n{thought}\n\n</details>" if thought else ""
    return [f"{heading}, {at:%Y-%m-%d %H:%M} UTC", folded, _closed(said.content)]


def _closed(text: str) -> str:
    """A text whose code block was cut off would swallow all that follows."""
    open_fence = ""
    for fence in _FENCES.findall(text):
        if not open_fence:
            open_fence = fence
        elif fence[0] == open_fence[0] and len(fence) >= len(open_fence):
            open_fence = ""
    return f"{text}\n{open_fence}" if open_fence else text


def _line(text: str) -> str:
    return " ".join(text.split())
