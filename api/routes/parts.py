"""What the routes have in common: what is in their addresses."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import AfterValidator

from agent import Conversation
from api.entrance import Mine
from api.schemas import MOST

Responses = dict[int | str, dict[str, Any]]
"""What a route may answer, beside what its types say."""

NAME = Path(min_length=1, max_length=200, description="The name of a session.")


def _conversation(agent: Mine, session_id: Annotated[str, NAME]) -> Conversation:
    return agent.find(session_id)


Chat = Annotated[Conversation, Depends(_conversation)]
"""The session in the address. Raises SessionNotFound."""

TurnId = Annotated[int, Path(ge=1, le=MOST)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]


def _in_reach(moment: datetime) -> datetime:
    if not 1970 <= moment.year < 3000:  # noqa: PLR2004
        message = "it should be between 1970 and 2999"
        raise ValueError(message)
    return moment


Moment = Annotated[datetime | None, AfterValidator(lambda moment: moment and _in_reach(moment)), Query()]
"""A day or a moment; without a time zone it is this machine's."""
