"""Whether it is well, and its figures."""

from fastapi import APIRouter, Request, Response

from agent import AccessRefused, Agent
from api.entrance import Mine, who_comes
from api.problems import ERRORS
from api.schemas import Health, Ready

health = APIRouter(tags=["health"], responses=ERRORS)
figures = APIRouter(tags=["health"], responses=ERRORS)


@health.get("/health")
def live() -> Health:
    """Whether the process answers."""
    return Health()


@health.get("/health/ready")
def ready(request: Request) -> Ready:
    """Whether the database can be read; and, for who may come in, which models can answer. Wants no token."""
    agent: Agent = request.app.state.open_agent()
    agent.check_health()
    try:
        who_comes(request.scope, request.headers, agent)
    except AccessRefused:
        return Ready(database="ok")
    catalogue = agent.models()
    return Ready(database="ok", models=list(catalogue.names), problem=catalogue.problem)


@figures.get(
    "/metrics", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}, response_class=Response
)
def metrics(request: Request, agent: Mine) -> Response:
    """For Prometheus. Wants a token, as everything else does."""
    del agent
    return Response(request.app.state.metrics.as_text(), media_type="text/plain; version=0.0.4; charset=utf-8")
