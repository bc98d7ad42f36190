"""Templates: what a session can begin with."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status

from api.entrance import Mine
from api.schemas import TemplateGiven, TemplateShown

router = APIRouter(prefix="/v1", tags=["templates"])

Called = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("/templates")
def list_templates(agent: Mine, tag: Annotated[str | None, Query(max_length=200)] = None) -> list[TemplateShown]:
    """In the order in which they were made; some come with the program."""
    return [TemplateShown.of(template) for template in agent.templates(tag)]


@router.post("/templates", status_code=status.HTTP_201_CREATED)
def add(agent: Mine, given: TemplateGiven) -> TemplateShown:
    agent.add_template(given.made())
    return TemplateShown.of(agent.template(given.name))


@router.get("/templates/{name:path}")
def read(agent: Mine, name: Called) -> TemplateShown:
    return TemplateShown.of(agent.template(name))


@router.put("/templates/{name:path}")
def change(agent: Mine, name: Called, given: TemplateGiven) -> TemplateShown:
    """Put another in its place. Sessions that began with it keep what they took."""
    agent.change_template(name, given.made())
    return TemplateShown.of(agent.template(given.name))


@router.delete("/templates/{name:path}", status_code=status.HTTP_204_NO_CONTENT)
def delete(agent: Mine, name: Called) -> None:
    agent.delete_template(name)
