"""Version 1: one file for each kind of thing."""

from fastapi import APIRouter

from api.problems import ERRORS
from api.routes import models, sessions, templates, turns, upkeep, waiting

version_1 = APIRouter(responses=ERRORS)
for part in (sessions, turns, waiting, upkeep, templates, models):
    version_1.include_router(part.router)
