"""Templates: what a session can begin with, and those that come with the program."""

from dataclasses import replace
from typing import Any

from agent.errors import PromptRefused
from agent.prompt import checked_name, checked_prompt, checked_tag, checked_text
from agent.settings import Settings, checked_settings
from storage import Template

MOST_OPENINGS = 12
WELCOME_LIMIT = 500

BUILT_IN = (
    Template(
        "Plain answers",
        system_prompt="Answer in as few words as the question needs. If you do not know something, say so.",
        openings=("What is the difference between TCP and UDP?", "Why is the sky blue?"),
        welcome="Short answers, and no padding.",
        tags=("everyday",),
    ),
    Template(
        "Code review",
        system_prompt=(
            "You review code. Name what is wrong first, with the line it is in and what would go wrong; then what is "
            "more complicated than it need be; then what is missing. Show changed lines, not whole files. Praise only "
            "what the author might be tempted to change."
        ),
        parameters={"temperature": 0.2},
        window_turns=20,
        openings=("Review this function:", "What could go wrong in this query?", "How would you test this?"),
        welcome="Paste code, and say what it should do.",
        tags=("code",),
    ),
    Template(
        "Explain it simply",
        system_prompt=(
            "Explain things to somebody who is curious but new to the field: one idea at a time, with an example from "
            "everyday life for each, and no term that you have not explained. End with a question that shows whether "
            "it was understood."
        ),
        openings=("How does a language model choose its next word?", "What is a database index?"),
        welcome="Ask about anything you would like to understand.",
        tags=("learning",),
    ),
    Template(
        "Practise a language",
        system_prompt=(
            "You practise a language with the person. Speak it in short, natural sentences a little above their level. "
            "After each of their messages, first correct it in one line if it needs correcting, then go on with the "
            "conversation and ask something."
        ),
        parameters={"temperature": 0.9},
        openings=("Let us practise Spanish; I am a beginner.", "Parlons français, s'il te plaît."),
        welcome="Say which language, and how well you speak it.",
        tags=("learning",),
    ),
    Template(
        "Editor",
        system_prompt=(
            "You edit texts. Keep the author's voice and meaning. Give the whole edited text first, then a short list "
            "of what you changed and why. Change nothing that is right."
        ),
        parameters={"temperature": 0.4},
        window_turns=4,
        openings=("Make this clearer:", "Shorten this by half:", "Find the mistakes in this:"),
        welcome="Paste a text, and say what it is for.",
        tags=("writing",),
    ),
)


def checked_template(template: Template, defaults: Settings) -> Template:
    """The template as it is kept. Raises PromptRefused, SettingsInvalid."""
    if len(template.openings) > MOST_OPENINGS:
        raise PromptRefused(f"A template has up to {MOST_OPENINGS} openings; this one has {len(template.openings)}.")
    checked_settings(defaults, **_overrides(template))
    return replace(
        template,
        name=checked_name(template.name, "A template's name"),
        openings=tuple(checked_prompt(opening, defaults.prompt_limit) for opening in template.openings),
        welcome=checked_text(template.welcome, WELCOME_LIMIT, "The welcome line"),
        tags=tuple(dict.fromkeys(map(checked_tag, template.tags))),
    )


def settings_from(template: Template, defaults: Settings) -> dict[str, Any]:
    """What a session that begins with it sets. It is a copy: the template may change or go."""
    told = {"template": template.name, "openings": list(template.openings), "welcome": template.welcome}
    return checked_settings(defaults, **_overrides(template)) | {name: value for name, value in told.items() if value}


def settings_instead(template: Template | None, defaults: Settings) -> dict[str, Any]:
    """The changes by which a session takes over a template in place of the one it had, or none; None lets one go."""
    lets_go: dict[str, Any] = {"model": None, "window_turns": None, "parameters": None, "system_prompt": ""}
    lets_go |= {"template": None, "openings": None, "welcome": None}
    return lets_go | ({} if template is None else settings_from(template, defaults))


def _overrides(template: Template) -> dict[str, Any]:
    return {
        "model": template.model,
        "window_turns": template.window_turns,
        "system_prompt": template.system_prompt or None,
        "parameters": template.parameters or None,
    }
