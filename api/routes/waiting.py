"""Prompts that wait until the reply before them has ended."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from agent import Conversation, Reply
from api.routes.parts import Chat
from api.schemas import MOST, Submit, Waiting, WaitingShown

router = APIRouter(prefix="/v1", tags=["waiting"])


@router.get("/sessions/{session_id}/waiting")
def list_waiting(chat: Chat) -> WaitingShown:
    return _shown(chat)


@router.post("/sessions/{session_id}/waiting", status_code=status.HTTP_202_ACCEPTED)
def submit(chat: Chat, given: Submit) -> WaitingShown:
    """Ask now or, where a reply runs, at its end. What waits is kept, and sent whoever is still there."""
    reply = chat.submit(given.prompt, images=given.opened, model=given.model, also=given.also)
    return _shown(chat, reply)


@router.post("/sessions/{session_id}/waiting/send", status_code=status.HTTP_202_ACCEPTED)
def send_waiting(chat: Chat) -> WaitingShown:
    """Send the prompt that waits first, also where it was held because the reply before it failed."""
    return _shown(chat, chat.send_waiting())


@router.delete("/sessions/{session_id}/waiting/{waiting_id}")
def take_back(chat: Chat, waiting_id: Annotated[int, Path(ge=1, le=MOST)]) -> Waiting:
    """Let a prompt wait no longer, and have it back."""
    return Waiting.of(chat.take_back(waiting_id))


def _shown(chat: Conversation, sent: Reply | None = None) -> WaitingShown:
    waiting = [Waiting.of(prompt) for prompt in chat.waiting]
    return WaitingShown(turn_id=sent.turn_id if sent else None, waiting=waiting, held_up=chat.held_up)
