"""Who is at the page: the rule, the form, and that nothing of one owner is left for the next. Without a browser."""

import hashlib

import pytest
from streamlit.testing.v1 import AppTest

from agent import Agent, is_from_here
from storage import Attached, Image, Message, Outcome, Sender, Status, Store
from tests.pictures import picture
from tests.test_page_states import said, show, titles

HERE = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


def sign_in(shown: AppTest, token: str) -> AppTest:
    shown.text_input[0].set_value(token)
    return press(shown, "Sign in")


def press(shown: AppTest, label: str) -> AppTest:
    assert not shown.exception
    (button,) = [button for button in shown.button if button.label == label]
    return button.click().run()


def form(shown: AppTest) -> bool:
    """Whether the form is there, and nothing of a page."""
    assert not shown.exception
    fields = [field.label for field in shown.text_input]
    nothing = not (shown.radio or shown.chat_input or shown.chat_message or shown.sidebar.children)
    return fields == ["Token"] and nothing


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "LOCALHOST", "127.0.0.1:80", "127.8.8.8", "[::1]:8501"]
)
@pytest.mark.parametrize("address", [None, "127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_a_connection_over_loopback_to_a_name_of_this_machine_comes_from_here(address: str | None, host: str) -> None:
    assert is_from_here(address, {"hOsT": host})


@pytest.mark.parametrize("address", ["192.168.1.7", "::ffff:192.168.1.7", "10.0.0.1", "fe80::1", "", "nonsense"])
def test_a_connection_of_another_address_does_not(address: str) -> None:
    assert not is_from_here(address, HERE)


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Host", "X-Real-IP", "X-Real-Ip", "Forwarded", "Via"]
)
def test_what_came_through_a_proxy_does_not_even_if_it_says_so(name: str) -> None:
    assert not is_from_here(None, HERE | {name: "127.0.0.1"})
    assert not is_from_here(None, HERE | {name: ""})


@pytest.mark.parametrize(
    "host",
    ["", "desk.local", "localhost.evil.example", "127.0.0.1.evil.example", "evil@localhost.example", "[::1", "[x]"],
)
def test_a_name_of_elsewhere_that_leads_here_does_not(host: str) -> None:
    assert not is_from_here(None, {"Host": host})
    assert not is_from_here(None, HERE | {"Origin": f"http://{host}"})
    assert not is_from_here(None, HERE | {"Origin": "null"})


def test_no_host_at_all_is_nobody_of_here() -> None:
    assert not is_from_here(None, {"Upgrade": "websocket"})


def test_without_tokens_the_page_is_drawn_and_there_is_nothing_to_sign_out_of(agent: Agent) -> None:
    agent.conversation("lisbon").send("To Lisbon")
    shown = show(agent)
    assert said(shown)[0] == "To Lisbon"
    assert "Sign out" not in [button.label for button in shown.button]


def test_once_there_is_a_token_the_page_asks_for_it_and_shows_nothing_else(agent: Agent) -> None:
    agent.conversation("lisbon").send("To Lisbon")
    agent.access.create("ann")
    assert form(show(agent))
    assert form(show(agent, "lisbon"))


def test_a_wrong_token_is_said_to_be_one_and_a_blank_one_asked_for(agent: Agent) -> None:
    agent.access.create("ann")
    shown = sign_in(show(agent), "windowseat_nonsense")
    assert [error.value for error in shown.error] == ["This token is not known here, or was revoked."]
    assert form(shown)
    shown = sign_in(shown, "  ")
    assert [error.value for error in shown.error] == ["Write or paste your token first."]


def test_the_right_token_opens_its_owners_sessions_and_nobody_elses(agent: Agent) -> None:
    agent.conversation("mine").send("What only I know")
    agent.of("ann").conversation("hers").send("What only Ann knows")
    _, token = agent.access.create("ann")
    shown = sign_in(show(agent), f" {token}\n")
    assert said(shown)[0] == "What only Ann knows"
    assert titles(shown) == ["What only Ann knows"]
    assert ":material/person: ann" in [line.value for line in shown.sidebar.markdown]


def test_the_session_of_the_address_is_there_after_signing_in(agent: Agent) -> None:
    ann = agent.of("ann")
    ann.conversation("porto").send("To Porto")
    ann.conversation("lisbon").send("To Lisbon")
    _, token = agent.access.create("ann")
    assert said(sign_in(show(agent, "porto"), token))[0] == "To Porto"


def test_signing_out_leads_to_the_form_and_leaves_nothing_in_the_address(agent: Agent) -> None:
    agent.of("ann").conversation("lisbon").send("To Lisbon")
    _, token = agent.access.create("ann")
    shown = press(sign_in(show(agent), token), "Sign out")
    assert form(shown)
    assert not shown.query_params


def test_a_revoked_token_leads_to_the_form_at_the_next_rerun_which_says_why(agent: Agent) -> None:
    agent.of("ann").conversation("lisbon").send("To Lisbon")
    number, token = agent.access.create("ann")
    agent.access.create("bob")
    shown = sign_in(show(agent), token)
    agent.access.revoke(number)
    shown.run()
    assert form(shown)
    assert [error.value for error in shown.error] == ["This token is not known here, or was revoked."]


def test_what_is_clicked_after_the_token_was_revoked_is_not_done(agent: Agent) -> None:
    ann = agent.of("ann")
    ann.conversation("lisbon").send("To Lisbon")
    number, token = agent.access.create("ann")
    agent.access.create("bob")
    shown = sign_in(show(agent), token)
    agent.access.revoke(number)
    shown.chat_input[0].set_value("One more").run()
    assert form(shown)
    assert ann.find("lisbon").session.message_count == 2


def test_the_first_token_shuts_the_page_that_was_open_without_one(agent: Agent) -> None:
    agent.conversation("mine").send("What only I know")
    shown = show(agent)
    _, token = agent.access.create("ann")
    assert form(shown.run())
    assert said(sign_in(shown, token)) == []


def test_without_the_last_token_this_machine_is_served_again_and_it_is_said(agent: Agent) -> None:
    agent.conversation("mine").send("What only I know")
    number, token = agent.access.create("ann")
    shown = sign_in(show(agent), token)
    agent.access.revoke(number)
    shown.run()
    assert said(shown)[0] == "What only I know"
    assert [warning.value for warning in shown.warning] == ["This token is not known here, or was revoked."]


def test_who_signs_in_next_sees_nothing_of_the_one_before_not_even_what_was_typed(agent: Agent) -> None:
    """Both have a session of the same name, and the templates and the search of the page keep what is typed."""
    tokens = {}
    for owner in ("ann", "bob"):
        agent.of(owner).conversation("diary").send(f"Dear diary of {owner}")
        _, tokens[owner] = agent.access.create(owner)
    shown = sign_in(show(agent, "diary"), tokens["ann"])
    assert said(shown)[0] == "Dear diary of ann"
    press(shown, "Search")
    (field,) = [field for field in shown.text_input if field.key == "search"]
    field.set_value("Secret of Ann").run()
    shown = sign_in(press(shown, "Sign out"), tokens["bob"])
    assert said(shown)[0] == "Dear diary of bob"
    assert titles(shown) == ["Dear diary of bob"]
    press(shown, "Search")
    (field,) = [field for field in shown.text_input if field.key == "search"]
    assert field.value == ""
    assert "ann" not in "".join(map(str, shown.main)).lower()


def keep_cat(store: Store, owner: str, content: bytes, *, kept: bool = True) -> None:
    """A turn in the owner's session “cats”, with that image; of one that is not `kept` only the digest is there."""
    digest = hashlib.sha256(content).hexdigest()
    store.sessions.start(owner, "cats")
    opened = store.turns.open(
        owner,
        "cats",
        Message.prompt("A cat", (Image("cat.png", "image/png", digest, len(content)),)),
        model="echo",
        window=10,
        process_id=store.running.begin_process(),
        attached=Attached({digest: content} if kept else {}),
    )
    store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Indeed"),)))


def cats(agent: Agent, owner: str) -> list[str]:
    """The addresses of the pictures that an owner sees."""
    _, token = agent.access.create(owner)
    shown = sign_in(show(agent, "cats"), token)
    assert not shown.exception
    return [image.proto.imgs[0].url for image in shown.get("image")]


def test_two_owners_see_their_own_images_in_sessions_of_the_same_name(agent: Agent, url: str) -> None:
    with Store(url) as store:
        keep_cat(store, "ann", picture(width=3, height=3))
        keep_cat(store, "bob", picture(width=5, height=5))
    anns, bobs = cats(agent, "ann"), cats(agent, "bob")
    assert len(anns) == len(bobs) == 1
    assert anns != bobs


@pytest.mark.parametrize("first", ["ann", "bob"])
def test_who_has_no_more_than_the_digest_of_an_image_does_not_see_it(agent: Agent, url: str, first: str) -> None:
    side = {"ann": 7, "bob": 9}[first]  # What one test has seen is remembered in the next.
    with Store(url) as store:
        keep_cat(store, "ann", picture(width=side, height=side))
        keep_cat(store, "bob", picture(width=side, height=side), kept=False)
    seen = {owner: len(cats(agent, owner)) for owner in sorted(("ann", "bob"), reverse=first == "bob")}
    assert seen == {"ann": 1, "bob": 0}
