"""What a model thinks before it answers, told apart from the answer."""

from langchain_core.messages import AIMessage

OPENS, CLOSES = "<think>", "</think>"


class Split:
    """Takes the pieces of a reply, and gives of each what is thinking and what is text, in that order.

    Thinking comes beside the text, in blocks of its own, or, from servers that know nothing of it, between tags at the
    very beginning, which may arrive in pieces.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = self._before

    def feed(self, message: AIMessage) -> tuple[str, str]:
        beside = message.additional_kwargs.get("reasoning_content")
        thinking = beside if isinstance(beside, str) else _in_blocks(message)
        tagged, text = self._state(message.text) if message.text else ("", "")
        return thinking + tagged, text

    def finish(self) -> tuple[str, str]:
        """What was held back because a tag might have begun."""
        held, self._held = self._held, ""
        return (held, "") if self._state == self._within else ("", held)

    def _before(self, piece: str) -> tuple[str, str]:
        self._held += piece
        begun = self._held.lstrip()
        if OPENS.startswith(begun[: len(OPENS)]) and len(begun) < len(OPENS):
            return "", ""
        held, self._held = self._held, ""
        if begun.startswith(OPENS):
            self._state = self._within
            return self._within(begun.removeprefix(OPENS))
        self._state = self._after
        return "", held

    def _within(self, piece: str) -> tuple[str, str]:
        self._held += piece
        thinking, closed, text = self._held.partition(CLOSES)
        if closed:
            self._held, self._state = "", self._gap
            return thinking, self._gap(text)[1]
        safe = len(thinking) - _begun_tag(thinking)
        self._held = thinking[safe:]
        return thinking[:safe], ""

    def _gap(self, piece: str) -> tuple[str, str]:
        """The empty lines between thinking and answer belong to neither."""
        text = piece.lstrip()
        if text:
            self._state = self._after
        return "", text

    def _after(self, piece: str) -> tuple[str, str]:
        return "", piece


def _begun_tag(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    return next((size for size in range(len(CLOSES) - 1, 0, -1) if text.endswith(CLOSES[:size])), 0)


def _in_blocks(message: AIMessage) -> str:
    if isinstance(message.content, str):
        return ""
    return "".join(str(block.get("reasoning", "")) for block in message.content_blocks if block["type"] == "reasoning")
