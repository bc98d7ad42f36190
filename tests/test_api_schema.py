"""The service does what its OpenAPI document says, whatever is sent: the cases are made up from the document itself."""

import os
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from requests import Session as Requests
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agent import Agent
from tests.api_server import ApiServer
from tests.ollama_server import Model, OllamaServer, Script
from tests.pictures import picture

CASES = int(os.environ.get("WINDOWSEAT_TEST_CASES", "500"))
IN_A_TEST_RUN = 500
"""Up to so many are the same ones each time."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Seeds:
    """What the cases are about: a session with turns, made anew where a case deleted it or some of it."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def names(self) -> dict[str, Any]:
        """What can stand in addresses."""
        chat = self._agent.conversation("lisbon")
        if chat.session.ended_at is not None:
            chat.reopen()
        if running := chat.running:
            running.wait_for_end(10)
        if not (turns := chat.turns(1)):
            chat.send("Hello")
            chat.send("Look", images=[picture()], model="ollama:llava:7b")
            turns = chat.turns(1)
        template = self._agent.templates()[-1].name if self._agent.templates() else "gone"
        key = self._agent.offer(self._agent.begin_export("lisbon"))
        return {"session_id": chat.session_id, "turn_id": turns[0].id, "place": 0, "name": template, "key": key}

    def into(self, case: Case[Any]) -> None:
        """Have the case reach something that there is, rather than names that hypothesis made up."""
        names = self.names()
        case.path_parameters.update({name: names[name] for name in case.path_parameters if name in names})
        if isinstance(case.body, dict):
            for name in ("model", "also", "template", "beside", "turn_id"):
                case.body.pop(name, None)


@pytest.fixture
def seeded(make_agent: Callable[..., Agent], ollama: OllamaServer, script: Script) -> Agent:
    script.models["llava:7b"] = Model(capabilities=("completion", "vision"))
    script.pullable["tiny:1b"] = 1000
    return make_agent(ollama_host=ollama.url, body_limit=1_000_000)


@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # The service does, in another thread.
def test_whatever_is_sent_the_answer_is_one_of_those_in_the_document(
    seeded: Agent, serve_api: Callable[[Agent], ApiServer]
) -> None:
    server, seeds = serve_api(seeded), Seeds(seeded)
    config = SchemathesisConfig(seed=1)
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=config)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == schema.statistic.operations.total
    with Requests() as session:
        for operation in operations:
            _try(operation, -(-CASES // len(operations)), seeds, session)


def _try(operation: APIOperation[Any, Any, Any, Any], count: int, seeds: Seeds, session: Requests) -> None:
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=CASES <= IN_A_TEST_RUN,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(_cases(operation), st.integers(0, 3), st.booleans())
    def run(case: Case[Any], chance: int, streamed: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        if chance:
            seeds.into(case)
        if streamed and case.method == "POST":
            case.headers["Accept"] = "text/event-stream"
        case.call_and_validate(session=session, checks=CHECKS, timeout=30)

    run()


def _cases(operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Case[Any]]:
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    takes_anything = operation.body or operation.query or operation.path_parameters or operation.headers
    return st.one_of(right, right, wrong) if takes_anything else right
