"""Taking sessions along: out, as files, and in, from files of our own and of other programs.

A table of LangChain's is taken in as the file that holds it, never by the address of a database: whoever may come in
could have this server open any address that it reaches.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints
from starlette.exceptions import HTTPException

from agent import EXPORT_TYPES, Agent, Form, Importing, Report, WindowseatError
from api import streams
from api.attachment import attachment
from api.bodies import FILE_TYPES
from api.entrance import Mine
from api.problems import DOCUMENTED, ImportFailed
from api.routes.parts import LONGEST_NAME, Responses
from api.schemas import ImportProgress, ImportReport
from api.spool import spooled

router = APIRouter(prefix="/v1", tags=["transfer"])

IMPORT = "/v1/import"

LOOK = 0.25
"""Seconds from one event to the next."""

GLANCE = 0.05
"""Seconds from one look at whether it has ended, or whoever waits for that has gone, to the next."""

_OURS = {
    "type": "object",
    "properties": {
        "format": {"const": "windowseat"},
        "version": {"type": "integer"},
        "sessions": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["format", "version", "sessions"],
}


def _schema(media_type: str) -> dict[str, Any]:
    plain = {"type": "string"} if media_type.startswith("text/") else {"type": "string", "format": "binary"}
    return {"schema": _OURS if media_type == "application/json" else plain}


_FILE: Responses = {
    200: {
        "description": "The file. A connection that breaks before the end of the answer leaves one that is not whole.",
        "content": {media_type: _schema(media_type) for media_type in sorted(EXPORT_TYPES)},
        "headers": {"Content-Disposition": {"description": "Its name.", "schema": {"type": "string"}}},
    }
}
_REPORT: Responses = {
    200: {
        "model": ImportReport,
        "content": streams.CONTENT,
        "description": "What came in; or, where `Accept: text/event-stream` was sent, the events `progress` (`done`, a "
        "count of conversations, and `fraction`, of the file), and at last `end` with the report, or `problem`.",
    },
    507: DOCUMENTED,
}
_GIVEN: dict[str, Any] = {
    "requestBody": {
        "description": "The file itself: an export of Windowseat, ChatGPT, Claude or Open WebUI, packed or not, or an "
        "SQLite file with a table of LangChain's.",
        "required": True,
        "content": {
            media_type: {"schema": {} if media_type == "application/json" else {"type": "string", "format": "binary"}}
            for media_type in sorted(FILE_TYPES)
        },
    }
}

SessionNames = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]],
    Query(default_factory=list, max_length=200, description="The name of a session; all without any."),
]


@router.get("/export", response_class=Response, responses=_FILE)
async def export(agent: Mine, session: SessionNames, form: Form = Form.JSON) -> Response:
    """Sessions as a file. JSON has all of them and can be imported again; the others show what a reader sees.

    Several sessions in another form than JSON are a ZIP archive. A session that is deleted meanwhile is left out where
    all were asked for, and breaks the file off where it was named.
    """
    return await attachment(await run_in_threadpool(agent.begin_export, session or None, form=form))


@router.get("/exports/{key}", response_class=Response, responses=_FILE, openapi_extra={"security": []})
async def fetch_export(request: Request, key: Annotated[str, Path(max_length=200)]) -> Response:
    """What the page offered under a key, for ten minutes. The key is enough: a link brings no token along."""
    agent: Agent = await run_in_threadpool(request.app.state.open_agent)
    offered = await run_in_threadpool(agent.offered, key)
    request.state.owner = offered.owner
    return await attachment(offered)


async def _begun(
    agent: Mine,
    request: Request,
    dry_run: Annotated[bool, Query(description="Only say what would come in.")] = False,
) -> AsyncIterator[Importing]:
    """The import of the body, until the answer is sent or nobody waits for it any more. Raises TransferRefused."""
    async with spooled(request) as path:
        job = await run_in_threadpool(agent.begin_import, path, dry_run=dry_run, awaited=True)
        try:
            yield job
        finally:
            job.cancel()
            await run_in_threadpool(job.wait)


@router.post("/import", responses=_REPORT, response_model=None, openapi_extra=_GIVEN)
async def take_in(
    request: Request,
    job: Annotated[Importing, Depends(_begun)],
    accept: Annotated[str, Header(description="text/event-stream for how far it is.")] = "application/json",
) -> ImportReport | Response:
    """Take conversations in, each once. What is here already stays as it is; what is broken costs only itself.

    Hanging up cancels it: what came in until then stays, in whole sessions.
    """
    if streams.MEDIA_TYPE in accept:
        return StreamingResponse(_progress(job), media_type=streams.MEDIA_TYPE, headers=streams.HEADERS)
    while job.running:
        if await request.is_disconnected():
            raise HTTPException(400, "Nobody waited for the end of this import: it was cancelled.")
        await asyncio.sleep(GLANCE)
    return ImportReport.of(await run_in_threadpool(_ended, job))


async def _progress(job: Importing) -> AsyncIterator[str]:
    running = True
    while running:
        running = job.running
        yield streams.event("progress", ImportProgress.of(job).model_dump(), job.done)
        await asyncio.sleep(LOOK if running else 0)
    try:
        report = await run_in_threadpool(_ended, job)
    except ImportFailed as error:
        yield streams.event("problem", error.problem.model_dump(exclude_none=True), job.done)
    else:
        yield streams.event("end", ImportReport.of(report).model_dump(mode="json"), job.done)


def _ended(job: Importing) -> Report:
    """Raises ImportFailed."""
    try:
        return job.finish()
    except WindowseatError as error:
        came = job.report
        raise ImportFailed(error, str(came) if (came.new or came.grown) and not job.dry_run else "") from error
