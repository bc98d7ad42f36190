"""The library, drawn without a browser, and what it does with many sessions."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from agent import Agent, Order, PromptRefused, Session, SessionFilters, StoreError
from storage import Store
from tests.app_test import app_test
from tests.conftest import Clock, Ledger
from ui.library.bulk import DELETED, NoTag, NotAllDone, change_tags, delete_all, do_with_all
from ui.library.cleaning import clean_up
from ui.library.sifting import ORDER, STATE, TAG, TITLED, UNTIL, sifted
from ui.library.table import marks_of

Make = Callable[..., Agent]


def library(agent: "Any") -> None:
    from ui.dialogs import draw_dialog  # noqa: PLC0415
    from ui.library import draw_library  # noqa: PLC0415 - AppTest runs the source of this function by itself
    from ui.notices import draw_notices  # noqa: PLC0415

    draw_notices()
    draw_library(agent)
    draw_dialog()


def show(agent: Agent) -> AppTest:
    return app_test(library, agent).run()


def titles(shown: AppTest) -> list[str]:
    assert not shown.exception
    found: list[str] = shown.dataframe[0].value["Title"].tolist() if shown.dataframe else []
    return found


def words(shown: AppTest) -> list[str]:
    assert not shown.exception
    return [str(element.value) for element in (*shown.markdown, *shown.caption, *shown.warning)]


def select(shown: AppTest, *rows: int, columns: tuple[str, ...] = ()) -> AppTest:
    key = shown.session_state["library_drawn"].key
    shown.session_state[key] = {"selection": {"rows": list(rows), "columns": list(columns), "cells": []}}
    return shown.run()


def selected(shown: AppTest) -> list[int]:
    chosen: list[int] = shown.session_state[shown.session_state["library_drawn"].key]["selection"]["rows"]
    return chosen


def press(shown: AppTest, name: str) -> AppTest:
    return shown.button(key=f"library_{name}").click().run()


def fill(agent: Agent, count: int) -> None:
    """Sessions “Talk 000” and so on, the last of them the last used."""
    for number in range(count):
        agent.conversation(f"{number:03}").rename(f"Talk {number:03}")


def named(agent: Agent, *session_ids: str) -> list[Session]:
    return [agent.find(session_id).session for session_id in session_ids]


def names(agent: Agent) -> set[str]:
    return {session.session_id for session in agent.sessions("", SessionFilters(archived=None)).sessions}


@pytest.fixture
def old(url: str) -> Ledger:
    """A store a hundred days ago."""
    clock = Clock()
    clock.now = datetime.now(UTC) - timedelta(days=100)
    with Store(url, clock=clock) as store:
        ledger = Ledger(store)
        for name in ("lisbon", "porto", "faro"):
            store.sessions.start("local", name)
            ledger.turn(name, f"To {name}")
        store.labels.pin("local", "faro")
    return ledger


def test_without_a_session_it_says_how_one_begins(agent: Agent) -> None:
    shown = show(agent)
    assert any("No session is in the list" in text for text in words(shown))
    assert not shown.dataframe


def test_a_row_says_what_a_session_is(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("To *Lisbon*")
    chat.tag("travel", "may")
    chat.pin()
    chat.end()
    (row,) = show(agent).dataframe[0].value.to_dict("records")
    assert (row["Title"], list(row["Tags"]), row["Messages"], row["Turns"]) == ("To *Lisbon*", ["may", "travel"], 2, 1)
    assert row["Marks"] == "pinned, ended"
    assert row["Begun"] <= row["Last used"] <= datetime.now(UTC)


def test_a_running_reply_is_one_of_the_marks(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=10)
    agent.conversation("lisbon").start("word " * 100)
    (session,) = named(agent, "lisbon")
    assert marks_of(session) == ["running"]


@pytest.mark.parametrize(
    ("set_to", "left"),
    [
        ({TITLED: "fa"}, ["faro"]),
        ({TAG: "may"}, ["lisbon"]),
        ({STATE: "Archived"}, ["porto"]),
        ({STATE: "Ended"}, ["lisbon"]),
        ({STATE: "Pinned"}, ["faro"]),
        ({STATE: "All", ORDER: Order.TITLE}, ["faro", "lisbon", "porto"]),
        ({ORDER: Order.CREATION}, ["faro", "lisbon"]),
        ({ORDER: Order.TITLE}, ["faro", "lisbon"]),
        ({UNTIL: date(2026, 1, 31)}, []),
    ],
)
def test_the_list_is_sifted_and_sorted(agent: Agent, set_to: dict[str, Any], left: list[str]) -> None:
    for name in ("lisbon", "porto", "faro"):
        agent.conversation(name).rename(name)
    agent.conversation("porto").archive()
    agent.conversation("lisbon").tag("may")
    agent.conversation("lisbon").end()
    agent.conversation("faro").pin()
    shown = show(agent)
    for key, value in set_to.items():
        shown.session_state[key] = value
    assert titles(shown.run()) == left


def test_where_nothing_is_found_the_filters_can_be_cleared(agent: Agent) -> None:
    agent.conversation("lisbon").rename("To Lisbon")
    shown = show(agent)
    shown.text_input(key=TITLED).set_value("madrid").run()
    assert titles(shown) == []
    (clear,) = [button for button in shown.button if button.label == "Reset the filters"]
    clear.click().run()
    assert titles(shown) == ["To Lisbon"]
    assert not shown.text_input(key=TITLED).value


def test_both_days_between_which_a_session_was_used_count() -> None:
    filters = sifted("All", None, date(2026, 5, 1), date(2026, 5, 2))
    assert isinstance(filters.since, datetime)
    assert isinstance(filters.until, datetime)
    assert filters.until - filters.since == timedelta(days=2)
    assert (filters.since.day, filters.since.hour) == (1, 0)


def test_the_pages_follow_each_other(agent: Agent) -> None:
    fill(agent, 120)
    shown = show(agent)
    assert titles(shown)[0] == "Talk 119"
    assert ":small[Rows 1–50]" in words(shown)
    assert shown.button(key="library_previous").disabled

    press(press(shown, "next"), "next")
    assert titles(shown) == [f"Talk {number:03}" for number in range(19, -1, -1)]
    assert ":small[Rows 101–120 of 120]" in words(shown)
    assert shown.button(key="library_next").disabled

    press(shown, "previous")
    assert ":small[Rows 51–100]" in words(shown)
    shown.selectbox(key=ORDER).set_value(Order.TITLE).run()
    assert titles(shown)[0] == "Talk 000"
    assert ":small[Rows 1–50]" in words(shown)


@pytest.mark.parametrize("change", ["next", "title", "order"])
def test_on_another_page_or_in_another_list_nothing_is_selected(agent: Agent, change: str) -> None:
    fill(agent, 60)
    shown = select(show(agent), 0, 2)
    assert "**2 sessions selected**" in words(shown)
    if change == "next":
        press(shown, "next")
    elif change == "title":
        shown.text_input(key=TITLED).set_value("talk").run()
    else:
        shown.selectbox(key=ORDER).set_value(Order.CREATION).run()
    assert "No session selected" in words(shown)
    assert selected(shown) == []
    assert shown.button(key="library_delete_selected").disabled


def test_a_selection_stays_with_its_sessions_when_they_come_to_other_rows(agent: Agent) -> None:
    fill(agent, 4)
    shown = select(show(agent), 0, 2)
    first = shown.session_state["library_drawn"].key
    agent.conversation("001").send("Hello")
    agent.conversation("003").archive()
    assert titles(shown.run()) == ["Talk 001", "Talk 002", "Talk 000"]
    assert selected(shown) == [0]
    assert shown.session_state["library_drawn"].key != first


def test_a_click_on_the_head_of_a_column_sorts_all_sessions(agent: Agent) -> None:
    fill(agent, 60)
    shown = select(show(agent), columns=("Tags",))
    assert titles(shown)[0] == "Talk 059"
    select(shown, columns=("Title",))
    assert titles(shown)[0] == "Talk 000"
    assert shown.selectbox(key=ORDER).value == Order.TITLE


def test_what_is_selected_is_archived_and_taken_out_again(agent: Agent) -> None:
    fill(agent, 3)
    shown = press(select(show(agent), 0, 2), "archive_selected")
    assert titles(shown) == ["Talk 001"]
    assert shown.toast[0].value == "Archived 2 sessions."
    shown.selectbox(key=STATE).set_value("Archived").run()
    select(shown, 1)
    assert shown.button(key="library_archive_selected").label == "Take out of the archive"
    press(shown, "archive_selected")
    assert titles(shown) == ["Talk 002"]


def test_what_is_selected_is_pinned_and_stays_selected(agent: Agent) -> None:
    fill(agent, 3)
    shown = press(select(show(agent), 2), "pin_selected")
    assert titles(shown) == ["Talk 000", "Talk 002", "Talk 001"]
    assert selected(shown) == [0]
    press(shown, "pin_selected")
    assert titles(shown) == ["Talk 002", "Talk 001", "Talk 000"]


def test_a_session_that_was_deleted_elsewhere_is_said_to_be_gone(agent: Agent) -> None:
    fill(agent, 3)
    shown = select(show(agent), 0, 1)
    agent.delete("002")
    press(shown, "archive_selected")
    assert "Archived 1 of 2 sessions. Deleted meanwhile\\: “Talk 002”." in words(shown)
    assert not shown.toast


def test_where_the_last_page_has_gone_the_one_before_it_is_shown(agent: Agent) -> None:
    fill(agent, 51)
    shown = press(show(agent), "next")
    assert titles(shown) == ["Talk 000"]
    press(select(shown, 0), "archive_selected")
    assert titles(shown)[0] == "Talk 050"


def test_sessions_are_deleted_but_for_those_in_which_a_reply_runs(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=10)
    fill(agent, 3)
    agent.conversation("001").start("word " * 100)
    with pytest.raises(NotAllDone) as said:
        delete_all(agent, named(agent, "000", "001", "002"))
    assert str(said.value) == (
        "Deleted 2 of 3 sessions for good. A reply runs in “Talk 001”: wait for it or stop it, then try again."
    )
    assert names(agent) == {"001"}


def test_deleting_what_is_gone_says_so(agent: Agent) -> None:
    fill(agent, 1)
    sessions = named(agent, "000")
    agent.delete("000")
    with pytest.raises(NotAllDone, match=r"^Nothing was done\. Deleted meanwhile: “Talk 000”"):
        delete_all(agent, sessions)


def test_what_goes_wrong_in_the_middle_says_how_far_it_came(agent: Agent) -> None:
    fill(agent, 3)

    def act(session: Session) -> None:
        if session.session_id == "002":
            raise StoreError("The disk is full.")

    with pytest.raises(NotAllDone) as said:
        do_with_all(named(agent, "000", "001", "002"), act, DELETED)
    assert str(said.value) == "Deleted 2 of 3 sessions for good. Then this went wrong: The disk is full."
    with pytest.raises(StoreError, match=r"^The disk is full\.$"):
        do_with_all(named(agent, "002", "001"), act, DELETED)


def test_many_titles_are_said_in_few_words(agent: Agent) -> None:
    fill(agent, 12)
    sessions = list(agent.sessions().sessions)
    agent.delete(*(session.session_id for session in sessions))
    with pytest.raises(NotAllDone, match="“Talk 002” and 2 more"):
        delete_all(agent, sessions)


def test_tags_are_added_and_taken_off_and_the_filter_knows_them_at_once(agent: Agent) -> None:
    fill(agent, 2)
    agent.conversation("000").tag("may")
    shown = show(agent)
    assert shown.selectbox(key=TAG).options == ["may (1)"]
    change_tags(agent, named(agent, "000", "001"), ["To Read"], ["may"])
    assert agent.tags() == {"to read": 2}
    assert shown.run().selectbox(key=TAG).options == ["to read (2)"]


def test_a_tag_that_is_none_is_refused_before_anything_is_changed(agent: Agent) -> None:
    fill(agent, 2)
    with pytest.raises(PromptRefused, match="1 to 40 characters"):
        change_tags(agent, named(agent, "000", "001"), ["may", "x" * 41], [])
    with pytest.raises(NoTag, match="Choose a tag"):
        change_tags(agent, named(agent, "000"), [], [])
    assert agent.tags() == {}


def test_a_clean_up_deletes_what_was_not_used_and_leaves_the_pinned(old: Ledger, agent: Agent) -> None:
    agent.conversation("madrid")
    clean_up(agent, 2, 30, archived_too=False)
    assert names(agent) == {"faro", "madrid"}


def test_a_clean_up_that_deleted_other_than_was_shown_says_so(old: Ledger, agent: Agent) -> None:
    agent.conversation("lisbon").send("Hello again")
    with pytest.raises(NotAllDone, match=r"^Deleted 1 session with 2 messages for good, where 2 had been shown"):
        clean_up(agent, 2, 30, archived_too=False)
    assert names(agent) == {"faro", "lisbon"}


def test_the_preview_shows_what_a_clean_up_would_delete(old: Ledger, agent: Agent) -> None:
    shown = press(show(agent), "clean_up")
    assert "**2 sessions with 4 messages** were not used for 30 days." in words(shown)
    assert "Pinned and archived sessions stay." in words(shown)
    assert shown.dataframe[1].value["Title"].tolist() == ["To lisbon", "To porto"]
    assert [button.label for button in shown.button if button.label.startswith("Delete 2")] == ["Delete 2 sessions"]
    assert names(agent) == {"faro", "lisbon", "porto"}


def test_a_deletion_is_still_asked_about_when_the_page_is_drawn_anew_and_done_at_once(agent: Agent) -> None:
    fill(agent, 3)
    shown = press(select(show(agent), 0, 1), "delete_selected").run()
    shown.button(key="confirm").click().run()
    assert titles(shown) == ["Talk 000"]
    assert shown.toast[0].value == "Deleted 2 sessions for good."
