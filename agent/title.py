"""A title that the model makes, once the first turn is complete."""

import asyncio
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from agent.prompt import storable

PATIENCE = 300.0
"""Seconds until one does without."""

LONGEST = 60
SHOWN = 1000
"""How much of prompt and reply the model is shown for it, in characters."""

_ASK = (
    "Give this conversation a title of at most six words, in its own language. Answer with the title only.\n\n"
    "Person: {}\n\nAnswer: {}"
)


async def make_title(model: BaseChatModel, prompt: str, reply: str, settings: dict[str, Any]) -> str:
    """One line without quotes; "" where the model gave none."""
    async with asyncio.timeout(PATIENCE):
        answer = await model.ainvoke([HumanMessage(_ASK.format(prompt[:SHOWN], reply[:SHOWN]))], **settings)
    lines = storable(answer.text).rpartition("</think>")[2].strip().splitlines() or [""]
    title = " ".join(lines[0].removeprefix("Title:").strip(" \t\"'`*#“”„«».").split())
    return title if len(title) <= LONGEST else f"{title[: LONGEST - 1].rstrip()}…"
