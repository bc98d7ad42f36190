"""What the routes have in common: what is in their addresses."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator
from starlette.exceptions import HTTPException

from agent import Conversation
from api.entrance import Mine
from api.schemas import MOST

Responses = dict[int | str, dict[str, Any]]
"""What a route may answer, beside what its types say."""

LONGEST_NAME = 1000
"""Of a session that came in from elsewhere, in characters; one that is made here has fewer."""

NAME = Path(min_length=1, max_length=LONGEST_NAME, description="The name of a session.")


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


def known_only(request: Request) -> None:
    """Refuse a query that says what the route does not know: a misspelt filter would let everything in."""
    known = _queries(request.scope["route"].dependant)
    for name in request.query_params.keys() - known:
        there_are = f"there are {', '.join(sorted(known))}" if known else "this address takes none"
        raise HTTPException(422, f"There is no parameter “{name[:_SHOWN]}”: {there_are}.")


def _queries(dependant: Dependant) -> set[str]:
    """The names of all that the route and what it depends on know."""
    return {str(field.alias) for field in dependant.query_params}.union(*map(_queries, dependant.dependencies))


_SHOWN = 60

Moment = Annotated[datetime | None, AfterValidator(lambda moment: moment and _in_reach(moment)), Query()]
"""A day or a moment; without a time zone it is this machine's."""
