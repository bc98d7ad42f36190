"""Moments and days, in the zone and the manner of the browser that looks."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import streamlit as st
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_time

_STEPS = (
    (timedelta(minutes=1), "just now", timedelta(seconds=1)),
    (timedelta(hours=1), "{} min ago", timedelta(minutes=1)),
    (timedelta(days=1), "{} h ago", timedelta(hours=1)),
    (timedelta(days=30), "{} d ago", timedelta(days=1)),
)


def zone() -> tzinfo | None:
    """The browser's; None, which is this machine's, where it does not say."""
    return _zone(st.context.timezone)


def local(moment: datetime) -> datetime:
    return moment.astimezone(zone())


def today() -> date:
    """By the browser's calendar."""
    return datetime.now(zone()).date()


def ago(moment: datetime) -> str:
    """How long ago in a few words; the day, where that is long."""
    age = datetime.now(UTC) - moment
    for limit, phrase, unit in _STEPS:
        if age < limit:
            return phrase.format(max(age, timedelta()) // unit)
    return day_in_words(local(moment).date())


def moment_in_words(moment: datetime) -> str:
    """Such as “21 Nov 2026, 16:30”."""
    here = local(moment)
    return f"{day_in_words(here.date())}, {format_time(here.timetz(), 'short', locale=_locale(st.context.locale))}"


def day_in_words(day: date) -> str:
    """Such as “21 Nov 2026”."""
    return format_date(day, "medium", locale=_locale(st.context.locale))


def days_in_words(first: date, last: date) -> str:
    """The first and the last: such as “2-8 Nov 2026”, where both are of one month."""
    return format_interval(first, last, skeleton="yMMMd", locale=_locale(st.context.locale))


def month_in_words(day: date) -> str:
    """Such as “November 2026”."""
    return format_date(day, "LLLL yyyy", locale=_locale(st.context.locale))


@lru_cache(maxsize=32)
def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError):  # Python 3.11 raises an OSError for some names.
        return None


@lru_cache(maxsize=32)
def _locale(name: str | None) -> Locale:
    try:
        return Locale.parse((name or "en-GB").split(".")[0], sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en", "GB")
