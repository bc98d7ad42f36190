"""Version 1: one file for each kind of thing."""

from fastapi import APIRouter, Depends

from api.problems import ERRORS
from api.routes import models, sessions, templates, transfer, turns, upkeep, waiting
from api.routes.parts import known_only

version_1 = APIRouter(responses=ERRORS, dependencies=[Depends(known_only)])
for part in (sessions, turns, waiting, upkeep, templates, models, transfer):
    version_1.include_router(part.router)
