"""Version 1: one file for each kind of thing."""

from typing import Any

from fastapi import APIRouter

from api.problems import MEDIA_TYPE, STATUSES
from api.routes import models, sessions, templates, turns, upkeep, waiting
from api.schemas import Problem

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "A problem document."} for status in STATUSES
}

version_1 = APIRouter(responses=ERRORS)
for part in (sessions, turns, waiting, upkeep, templates, models):
    version_1.include_router(part.router)
