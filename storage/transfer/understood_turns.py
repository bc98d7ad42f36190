"""The turns and messages of our own document, read back one by one."""

from dataclasses import fields as fields_of
from typing import Any

from storage.records import Mark, Message, Sender, Status
from storage.transfer import fields
from storage.transfer.talk import TalkMessage, TalkTurn
from storage.transfer.texts import Unreadable

MESSAGE = frozenset(("sender", "content", "timestamp", "full"))
_TURN = frozenset(field.name for field in fields_of(TalkTurn))


def turn_of(value: object) -> TalkTurn:
    """Raises Unreadable. Where its parent and tip lie is not looked at."""
    of = fields.object_of(value, _TURN)
    said = fields.each(fields.rows(of, "messages"), "message", message_of)
    if not said or said[0].sender is Sender.SYSTEM:
        raise Unreadable("It does not begin with a prompt, nor with a reply.")
    status = fields.one_of(Status, of, "status")
    closed = fields.moment_or_none(of, "closed_at")
    if status is Status.RUNNING or (closed is None and status is not Status.INTERRUPTED):
        raise Unreadable("It has no end.")
    return TalkTurn(
        parent=fields.number_or_none(of, "parent"),
        messages=said,
        opened_at=fields.moment(of, "opened_at"),
        status=status,
        model=fields.name_in(of, "model", ""),
        first_text_at=fields.moment_or_none(of, "first_text_at"),
        closed_at=closed,
        input_tokens=fields.number_or_none(of, "input_tokens"),
        output_tokens=fields.number_or_none(of, "output_tokens"),
        error=fields.text_or_none(of, "error"),
        receipt=_receipt(of["receipt"]) if "receipt" in of else None,
        idempotency_key=fields.name_in(of, "idempotency_key") if "idempotency_key" in of else None,
        mark=fields.one_of(Mark, of, "mark") if "mark" in of else None,
        rating=_rating(of["rating"]) if "rating" in of else None,
        tip=fields.number_or_none(of, "tip"),
        data=fields.table(of, "data") if "data" in of else None,
    )


def message_of(value: object) -> TalkMessage:
    """Raises Unreadable."""
    of = fields.object_of(value, MESSAGE)
    sender, content = fields.one_of(Sender, of, "sender"), fields.text(of, "content")
    full = _full(of["full"], sender, content) if "full" in of else None
    return TalkMessage(sender, content, fields.moment_or_none(of, "timestamp"), full)


def _full(value: Any, sender: Sender, content: str) -> dict[str, Any]:
    """A message as LangChain writes it. A model's server may have said NaN, and then so does it."""
    if not isinstance(value, dict):
        raise Unreadable("“full” is no object.")
    fields.kept(value, "full", finite=False)
    if not _is_thoughtful(value, sender, content):
        from storage.langchain import stored_from  # noqa: PLC0415 - it loads LangChain, which few files need

        try:
            stored_from(value)
        except ValueError as error:
            raise Unreadable("“full” is no message of LangChain's.") from error
    return value


def _is_thoughtful(value: dict[str, Any], sender: Sender, content: str) -> bool:
    """Whether it is a reply with the thinking before it: by far the most, and quickly told."""
    if sender is not Sender.AI:
        return False
    kept = value.get("data")
    about = kept.get("additional_kwargs") if isinstance(kept, dict) else None
    thought = about.get("reasoning_content") if isinstance(about, dict) else None
    return isinstance(thought, str) and Message.reply(content, thought).full == value


def _receipt(value: Any) -> dict[str, Any] | list[Any]:
    if not isinstance(value, dict | list):
        raise Unreadable("“receipt” is neither an object nor a list.")
    found: dict[str, Any] | list[Any] = fields.kept(value, "receipt")
    return found


def _rating(value: object) -> int:
    if type(value) is not int or value not in {1, -1}:
        raise Unreadable("“rating” is neither 1 nor -1.")
    return value
