"""Search, statistics, themes and clean-up."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from agent import Filters, Sender
from api.cursors import Cursors
from api.entrance import Mine
from api.routes.parts import Limit, Moment
from api.schemas import CleanUp, DeletedShown, Found, HitShown, SessionShown, StatsShown, UnusedShown
from api.themes import MilestoneShown, ThemesShown

router = APIRouter(prefix="/v1", tags=["upkeep"])

Day = Annotated[date | None, Field(ge=date(1970, 1, 1), lt=date(3000, 1, 1)), Query()]
Days = Annotated[int | None, Query(ge=1, le=36_500, description="The last so many.")]
Session = Annotated[str | None, Query(max_length=200)]


@router.get("/search")
def search(
    agent: Mine,
    q: Annotated[str, Query(max_length=10_000, description="Words, beginnings* and “phrases”.")] = "",
    session: Session = None,
    model: Annotated[str | None, Query(max_length=200)] = None,
    tag: Annotated[str | None, Query(max_length=200)] = None,
    sender: Sender | None = None,
    since: Moment = None,
    until: Moment = None,
    best: Annotated[bool, Query(description="The best of the newest 1,000 instead of the newest.")] = False,
    limit: Limit = 20,
    after: Annotated[str | None, Query(max_length=4000)] = None,
) -> Found:
    """Hits in titles, prompts and replies. Whatever is typed is a search."""
    filters = Filters(session_id=session, model=model, tag=tag, sender=sender, since=since, until=until)
    words = Cursors(agent, f"hits {q!r} {best} {filters}")
    found = agent.search(q, filters, best=best, count=limit, after=words.taken(after))
    hits = [HitShown.of(hit) for hit in found.hits]
    return Found(hits=hits, after=words.given(found.after), widened=found.widened, ranked=found.ranked)


@router.get("/tags")
def list_tags(agent: Mine) -> dict[str, int]:
    """All tags, and how many sessions have each."""
    return agent.tags()


@router.get("/stats")
def read_stats(
    agent: Mine,
    days: Days = None,
    since: Day = None,
    until: Day = None,
    session: Session = None,
) -> StatsShown:
    """What is stored, and what was used in a range of days, both included; of all sessions or of one."""
    return StatsShown.of(agent.stats(days, since=since, until=until, session=session))


@router.get("/themes")
def read_themes(
    agent: Mine,
    days: Days = None,
    since: Day = None,
    until: Day = None,
    session: Session = None,
    count: Annotated[int, Query(ge=1, le=50, description="Of each kind, at most.")] = 8,
) -> ThemesShown:
    """What was asked about, by week: words that rise, words that fall and others, of all sessions or of one.

    Read are the prompts on the active paths of sessions that are not archived; of many an even share.
    """
    return ThemesShown.of(agent.themes(days, since=since, until=until, session=session, count=count))


@router.get("/milestones")
def read_milestones(agent: Mine) -> list[MilestoneShown]:
    """The first session and the longest, the busiest day and week, the longest streak, the last round turn."""
    return [MilestoneShown.of(milestone) for milestone in agent.milestones()]


@router.get("/cleanup")
def preview_clean_up(
    agent: Mine, days: Annotated[float, Query(gt=0, le=36_500)] = 30, *, archived_too: bool = False
) -> UnusedShown:
    """What a clean-up would delete now: nothing is deleted."""
    unused = agent.unused(days, archived_too=archived_too)
    longest = [SessionShown.of(session) for session in unused.longest]
    return UnusedShown(sessions=unused.sessions, messages=unused.messages, longest=longest)


@router.post("/cleanup")
def clean_up(agent: Mine, given: CleanUp) -> DeletedShown:
    """Delete the sessions not used for so many days; pinned ones stay, and archived ones unless asked for."""
    deleted = agent.clean_up(given.days, archived_too=given.archived_too)
    return DeletedShown.model_validate(deleted, from_attributes=True)
