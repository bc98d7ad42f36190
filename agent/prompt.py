"""What a person or a program may hand in as text, and what may go into the database."""

from uuid_utils import uuid7

from agent.errors import PromptRefused
from storage import SessionNotFound, as_tag

TITLE_LIMIT = 200
NAME_LIMIT = 200
TAG_LIMIT = 40


def checked_prompt(prompt: str, limit: int) -> str:
    """The prompt, unchanged. Raises PromptRefused for one that can't be sent, with the reason."""
    if not prompt.strip():
        raise PromptRefused("An empty prompt is not sent: write something first.")
    if len(prompt) > limit:
        raise PromptRefused(
            f"The prompt has {len(prompt):,} characters, and {limit:,} is the most that is taken "
            "(WINDOWSEAT_PROMPT_LIMIT): shorten it, or raise the limit."
        )
    checked_characters(prompt, "The prompt")
    return prompt


def checked_title(title: str) -> str:
    """The title on one line. Raises PromptRefused."""
    checked_characters(title, "The title")
    title = " ".join(title.split())
    if not 0 < len(title) <= TITLE_LIMIT:
        raise PromptRefused(f"A title has 1 to {TITLE_LIMIT} characters; this one has {len(title)}.")
    return title


def checked_name(name: str, what: str = "A session's name") -> str:
    """The name, unchanged. Raises PromptRefused."""
    checked_characters(name, what)
    if not 0 < len(name) <= NAME_LIMIT or name != name.strip():
        raise PromptRefused(f"{what} has 1 to {NAME_LIMIT} characters and no space at its ends; got {name[:40]!r}.")
    return name


def findable_name(name: str) -> str:
    """The name, unchanged, if a session may have it: what LangChain or a file calls one fits no rule of ours.

    Raises SessionNotFound for others: not every database can be asked for them.
    """
    if (possible := storable(name)) != name:
        raise SessionNotFound(possible)
    return name


def checked_owner(owner: str) -> str:
    """Raises PromptRefused."""
    return checked_name(owner, "An owner's name")


def checked_tag(tag: str) -> str:
    """The tag on one line, in lower case: “Work” and “work” are one. Raises PromptRefused."""
    checked_characters(tag, "The tag")
    tag = as_tag(tag)
    if not 0 < len(tag) <= TAG_LIMIT:
        raise PromptRefused(f"A tag has 1 to {TAG_LIMIT} characters; this one has {len(tag)}.")
    return tag


def checked_text(text: str, limit: int, what: str) -> str:
    """A text that is told to the model, unchanged; "" is none. Raises PromptRefused."""
    if len(text) > limit:
        raise PromptRefused(f"{what} has {len(text):,} characters, and {limit:,} is the most that is taken.")
    checked_characters(text, what)
    return text if text.strip() else ""


def storable(text: str) -> str:
    """Text from a model, with what no database takes (NUL, lone surrogates) replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return (
        text.encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def checked_characters(text: str, what: str) -> None:
    """Raises PromptRefused for what no database keeps."""
    if "\0" in text:
        raise PromptRefused(f"{what} contains a NUL character, which can't be stored: remove it.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PromptRefused(f"{what} contains half of a character (a lone surrogate): remove it.")


def new_name() -> str:
    """A name for a session that nobody named; such names sort by time."""
    return str(uuid7())
