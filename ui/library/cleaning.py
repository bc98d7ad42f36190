"""The clean-up: sessions that were not used for long are shown first, then deleted."""

from functools import partial

import pandas as pd
import streamlit as st

from agent import Agent, Unused, WindowseatError
from ui.dialogs import close_dialog, confirm
from ui.library.bulk import NAMED, NotAllDone, finish, in_words
from ui.library.sifting import forget_tags
from ui.notices import told
from ui.words import count, title_of

DAYS = 30
MOST_DAYS = 36_500


@st.dialog("Clean up", icon=":material/cleaning_services:", on_dismiss=close_dialog)
@told
def draw_cleaning(agent: Agent) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.number_input(
            "Days without use", min_value=1, max_value=MOST_DAYS, value=DAYS, key="library_unused_days"
        )
        archived_too = st.checkbox("Archived sessions too", key="library_archived_too")
    unused = agent.unused(days, archived_too=archived_too, count=NAMED)
    _draw_preview(unused, days, archived_too=archived_too)
    act = partial(clean_up, agent, unused.sessions, days, archived_too=archived_too)
    done = f"Deleted {in_figures(unused)} for good."
    confirm(f"Delete {count(unused.sessions, 'session')}", partial(finish, act, done), disabled=not unused.sessions)


def _draw_preview(unused: Unused, days: int, *, archived_too: bool) -> None:
    st.markdown(
        f"**{in_figures(unused)}** {'was' if unused.sessions == 1 else 'were'} not used for {count(days, 'day')}."
    )
    st.markdown("Pinned sessions stay." if archived_too else "Pinned and archived sessions stay.")
    if not unused.sessions:
        return
    st.markdown(f"The {NAMED} that were not used for the longest time:" if unused.sessions > NAMED else "These are:")
    st.dataframe(
        pd.DataFrame(
            {
                "Title": [title_of(session) for session in unused.longest],
                "Last used": [session.last_activity for session in unused.longest],
                "Messages": [session.message_count for session in unused.longest],
            }
        ),
        hide_index=True,
        column_config={
            "Title": st.column_config.TextColumn(width=200),
            "Last used": st.column_config.DatetimeColumn(width=160, format="localized", timezone=st.context.timezone),
            "Messages": st.column_config.NumberColumn(width=80, format="localized"),
        },
        alt="The sessions that were not used for the longest time",
    )


def clean_up(agent: Agent, shown: int, days: int, *, archived_too: bool) -> None:
    """Raises NotAllDone where other than so many sessions were deleted as had been shown; else what goes wrong."""
    try:
        deleted = agent.clean_up(days, archived_too=archived_too)
    except WindowseatError as error:
        left = agent.unused(days, archived_too=archived_too, count=1).sessions
        if left == shown:
            raise
        raise NotAllDone(f"{left:,} of {count(shown, 'session')} are still there. {error}") from error
    finally:
        forget_tags()
    if deleted.sessions == shown:
        return
    said = f"Deleted {count(deleted.sessions, 'session')} with {count(deleted.messages, 'message')} for good"
    kept = agent.unused(days, archived_too=archived_too, count=NAMED)
    why = f"a reply runs in {in_words(kept.longest)}" if kept.sessions else "others were used, or not, meanwhile"
    raise NotAllDone(f"{said}, where {shown:,} had been shown: {why}.")


def in_figures(unused: Unused) -> str:
    return f"{count(unused.sessions, 'session')} with {count(unused.messages, 'message')}"
