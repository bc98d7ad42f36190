"""Prompts that wait until the reply before them has ended."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from api.routes.parts import Chat
from api.schemas import MOST, Submit, Waiting, WaitingShown

router = APIRouter(prefix="/v1", tags=["waiting"])


@router.get("/sessions/{session_id}/waiting")
def list_waiting(chat: Chat) -> WaitingShown:
    return WaitingShown(waiting=[Waiting.of(prompt) for prompt in chat.waiting], held_up=chat.held_up)


@router.post("/sessions/{session_id}/waiting", status_code=status.HTTP_202_ACCEPTED)
def submit(chat: Chat, given: Submit) -> WaitingShown:
    """Ask now or, where a reply runs, at its end. What waits is kept, and sent whoever is still there."""
    chat.submit(given.prompt, images=given.opened, model=given.model, also=given.also)
    return list_waiting(chat)


@router.post("/sessions/{session_id}/waiting/send", status_code=status.HTTP_202_ACCEPTED)
def send_waiting(chat: Chat) -> WaitingShown:
    """Send the prompt that waits first, also where it was held because the reply before it failed."""
    chat.send_waiting()
    return list_waiting(chat)


@router.delete("/sessions/{session_id}/waiting/{waiting_id}")
def take_back(chat: Chat, waiting_id: Annotated[int, Path(ge=1, le=MOST)]) -> Waiting:
    """Let a prompt wait no longer, and have it back."""
    return Waiting.of(chat.take_back(waiting_id))
