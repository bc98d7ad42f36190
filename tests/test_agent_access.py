"""Owners, tokens, and who may."""

from collections.abc import Callable

import pytest

from agent import (
    AccessRefused,
    Agent,
    PromptRefused,
    SessionNotFound,
    TokenNotFound,
    TokenUnknown,
    TokenWanted,
    TurnNotFound,
)
from tests.conftest import Clock


def test_the_same_agent_serves_another_owner_who_sees_none_of_the_first_ones_sessions(agent: Agent) -> None:
    reply = agent.conversation("diary").send("Hello")
    ann = agent.of("ann")
    assert ann.sessions().sessions == ()
    with pytest.raises(SessionNotFound):
        ann.find("diary")
    chat = ann.conversation("diary")
    assert chat.window == ()
    with pytest.raises(TurnNotFound):
        chat.turn(reply.turn_id)
    assert agent.find("diary").session.message_count == 2


def test_closing_the_agent_of_another_owner_closes_nothing(agent: Agent) -> None:
    agent.of("ann").close()
    assert agent.conversation("still here").send("Hello").text


def test_no_owner_has_a_blank_name(agent: Agent) -> None:
    with pytest.raises(PromptRefused, match="An owner's name"):
        agent.of(" ")


def test_without_tokens_this_machine_is_served_and_no_other(agent: Agent) -> None:
    assert agent.access.admit(None, from_here=True) == ("local", None)
    with pytest.raises(AccessRefused, match="only this machine"):
        agent.access.admit(None, from_here=False)


def test_once_there_is_a_token_everybody_needs_one(agent: Agent) -> None:
    number, token = agent.access.create("ann")
    assert agent.access.admit(token, from_here=False) == ("ann", number)
    for from_here in (True, False):
        with pytest.raises(TokenWanted):
            agent.access.admit(None, from_here=from_here)
        with pytest.raises(TokenUnknown):
            agent.access.admit(f"{token}x", from_here=from_here)


def test_a_token_that_was_revoked_opens_nothing(agent: Agent) -> None:
    number, token = agent.access.create("ann")
    agent.access.create("bob")
    agent.access.revoke(number)
    with pytest.raises(TokenUnknown):
        agent.access.admit(token, from_here=True)
    with pytest.raises(TokenNotFound):
        agent.access.revoke(number)


def test_tokens_are_listed_with_their_last_use_and_without_their_secret(
    make_agent: Callable[..., Agent], clock: Clock
) -> None:
    agent = make_agent(clock=clock)
    number, secret = agent.access.create("ann")
    (token,) = agent.access.all()
    assert (token.id, token.owner, token.last_used) == (number, "ann", None)
    agent.access.admit(secret, from_here=False)
    (used,) = agent.access.all()
    assert used.last_used == clock.now
    clock.forward(seconds=30)
    agent.access.admit(secret, from_here=False)
    assert agent.access.all() == (used,)  # Looked at often, it is written seldom.
    assert secret not in repr(agent.access.all())


def test_the_database_holds_no_token(agent: Agent, url: str) -> None:
    _, secret = agent.access.create("ann")
    path = url.removeprefix("sqlite:///")
    agent.close()
    with open(path, "rb") as file:  # noqa: PTH123
        assert secret.encode() not in file.read()


def test_what_a_client_keeps_with_a_turn_comes_back_and_goes_into_forks(agent: Agent) -> None:
    chat = agent.conversation("one")
    reply = chat.start("Hello", data={"user_name": "Ann"}).finish()
    chat.send("And now?")
    assert chat.data_of(chat.turns(10)) == {reply.turn_id: {"user_name": "Ann"}}
    copy = chat.fork("two")
    assert list(copy.data_of(copy.turns(10)).values()) == [{"user_name": "Ann"}]


def test_a_session_is_found_by_its_number_by_its_owner_only(agent: Agent) -> None:
    key = agent.conversation("one").session.key
    assert agent.find_key(key).session_id == "one"
    with pytest.raises(SessionNotFound):
        agent.of("ann").find_key(key)
