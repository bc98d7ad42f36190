"""Models: which there are, getting one, having one in memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from agent import Agent, Pull, WindowseatError
from api import streams
from api.entrance import Mine
from api.problems import problem_of
from api.routes.parts import Responses
from api.schemas import ModelNamed, ModelsShown, PullShown

router = APIRouter(prefix="/v1", tags=["models"])

OLLAMA = "ollama:"

LOOK = 0.25
"""Seconds from one look at a pull to the next."""

_PULLED: Responses = {
    202: {
        "model": PullShown,
        "content": streams.CONTENT,
        "description": "How far it is; or its progress as events, where `Accept: text/event-stream` was sent.",
    }
}


@router.get("/models")
def list_models(agent: Mine) -> ModelsShown:
    """What can be chosen now. Takes two seconds at most."""
    return ModelsShown.of(agent.models(), {held.name for held in agent.in_memory() or ()})


@router.get("/models/pulls")
def list_pulls(agent: Mine) -> list[PullShown]:
    """Models on their way."""
    return [_shown(pull) for pull in agent.pulls()]


@router.post("/models/pulls", status_code=status.HTTP_202_ACCEPTED, responses=_PULLED, response_model=None)
def pull(agent: Mine, given: ModelNamed, accept: Annotated[str, Header()] = "application/json") -> PullShown | Response:
    """Get a model from Ollama's library, in the background; the same pull while it is on its way."""
    begun = agent.pull(given.model)
    if streams.MEDIA_TYPE in accept:
        return StreamingResponse(_progress(begun), status.HTTP_202_ACCEPTED, media_type=streams.MEDIA_TYPE)
    return _shown(begun)


@router.delete("/models/pulls", status_code=status.HTTP_204_NO_CONTENT)
def cancel_pull(agent: Mine, model: Annotated[str, Query(min_length=1, max_length=200)]) -> None:
    """Hang up on the server, which keeps what came. Nothing happens where that model is not on its way."""
    for begun in agent.pulls():
        if begun.name in {model, f"{model}:latest"}:
            begun.cancel()


@router.post("/models/load", status_code=status.HTTP_204_NO_CONTENT)
async def load(agent: Mine, given: ModelNamed) -> None:
    """Have an Ollama model in memory, so that its first reply needs not wait for that."""
    begun = await run_in_threadpool(lambda: agent.begin_loading(_chosen(agent, given.model)))
    while begun.running:  # noqa: ASYNC110 - it runs on a loop of its own
        await asyncio.sleep(LOOK)
    await run_in_threadpool(begun.finish)


@router.post("/models/unload", status_code=status.HTTP_204_NO_CONTENT)
def unload(agent: Mine, given: ModelNamed) -> None:
    """Have its memory back."""
    agent.unload(_chosen(agent, given.model))


def _chosen(agent: Agent, model: str) -> str:
    """Its name as it is chosen: a pull knows it without the beginning, and else nothing would happen."""
    known = model.startswith(OLLAMA) or model in agent.models().names
    return model if known else f"{OLLAMA}{model}"


async def _progress(begun: Pull) -> AsyncIterator[str]:
    while begun.running:
        yield streams.event("progress", _shown(begun).model_dump(), begun.progress.done)
        await asyncio.sleep(LOOK)
    try:
        await run_in_threadpool(begun.finish)
    except WindowseatError as error:
        yield streams.event("problem", problem_of(error).model_dump(exclude_none=True), begun.progress.done)
    else:
        yield streams.event("end", _shown(begun).model_dump(), begun.progress.done)


def _shown(begun: Pull) -> PullShown:
    return PullShown.of(begun.name, begun.progress, running=begun.running)
