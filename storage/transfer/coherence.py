"""Whether the parts of a session of ours agree with each other, as they do in a store."""

from collections.abc import Iterable
from typing import Any

from storage.images import media_type_of_image
from storage.marks import MOST_PINNED
from storage.records import TEXTS, Image, Mark, Message
from storage.transfer.fields import short
from storage.transfer.talk import Talk, TalkMessage, TalkTurn
from storage.transfer.texts import Unreadable, shown


def check_turns(talk: Talk) -> None:
    """Parents before their children, branches that were left within them, a head, and nothing twice. Raises Unreadable.

    In time that grows with the number of turns, whatever the tree is like.
    """
    _check_parents(talk.turns)
    _check_tips(talk.turns)
    if (talk.head is None) != (not talk.turns) or (talk.head or 0) >= max(1, len(talk.turns)):
        raise Unreadable("“head” is none of its turns.")
    if sum(turn.mark is Mark.PINNED for turn in talk.turns) > MOST_PINNED:
        raise Unreadable(f"It has more than {MOST_PINNED} pinned turns.")
    _check_once([turn.idempotency_key for turn in talk.turns if turn.idempotency_key is not None], "idempotency key")
    _check_once(talk.tags, "tag")
    befores = [before for before, _ in talk.told]
    if befores != sorted(befores):
        raise Unreadable("Its system messages are not in order.")


def check_names(talk: Talk) -> None:
    """Databases can look for its models and tags. Raises Unreadable."""
    for model in {turn.model for turn in talk.turns}:
        short(model, "model")
    for tag in talk.tags:
        short(tag, "tag")


def check_texts(talk: Talk) -> None:
    """The settings have one of the versions of each text. Raises Unreadable."""
    _check_once([f"{text.kind} {text.version}" for text in talk.texts], "version")
    there = {(text.kind, text.version): text.text for text in talk.texts}
    for kind in TEXTS & talk.settings.keys():
        stored = talk.settings[kind]
        if not _is_whole(stored) or there.get((kind, stored["version"])) != stored["text"]:
            raise Unreadable(f"Its “settings” have another “{kind}” than its “texts”.")


def check_images(talk: Talk) -> None:
    """Those that messages name are there, and are what they are said to be. Raises Unreadable."""
    said = [message for turn in talk.turns for message in turn.messages]
    for message in [*said, *(message for _, message in talk.told)]:
        for image in _images_of(message):
            content = talk.images.get(image.digest) if isinstance(image.digest, str) else None
            if content is None:
                raise Unreadable(f"An image that it names is missing: “{shown(image.name)}”.")
            if (image.size, image.media_type) != (len(content), media_type_of_image(content)):
                raise Unreadable(f"An image is not what it is said to be: “{shown(image.name)}”.")
            if type(image.name) is not str or type(image.size) is not int:
                raise Unreadable("An image has no name or size.")


def _is_whole(stored: Any) -> bool:
    """Whether it is a version and its text, and the version a number and nothing that only equals one."""
    return isinstance(stored, dict) and stored.keys() == {"version", "text"} and type(stored["version"]) is int


def _images_of(message: TalkMessage) -> tuple[Image, ...]:
    content = message.full["data"].get("content") if message.full else None
    return Message(message.sender, message.content, message.full).images if isinstance(content, list) else ()


def _check_parents(turns: tuple[TalkTurn, ...]) -> None:
    for place, turn in enumerate(turns):
        if turn.parent is not None and turn.parent >= place:
            raise Unreadable(f"Turn {place}: “parent” is no turn before it.")


def _check_tips(turns: tuple[TalkTurn, ...]) -> None:
    """Each turn with all below it has a row of numbers of its own: what is below it has one of them."""
    sizes = [1] * len(turns)
    for place in range(len(turns) - 1, -1, -1):
        if (parent := turns[place].parent) is not None:
            sizes[parent] += sizes[place]
    numbers: list[int] = []
    following: list[int] = []
    free = 0
    for place, turn in enumerate(turns):
        number = free if turn.parent is None else following[turn.parent]
        if turn.parent is None:
            free += sizes[place]
        else:
            following[turn.parent] += sizes[place]
        numbers.append(number)
        following.append(number + 1)
    for place, turn in enumerate(turns):
        if turn.tip is not None and not (
            turn.tip < len(turns) and numbers[place] <= numbers[turn.tip] < numbers[place] + sizes[place]
        ):
            raise Unreadable(f"Turn {place}: “tip” is no turn below it.")


def _check_once(values: Iterable[str], what: str) -> None:
    found: set[str] = set()
    for value in values:
        if value in found:
            raise Unreadable(f"The {what} “{shown(value)}” stands there twice.")
        found.add(value)
