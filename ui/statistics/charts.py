"""What the charts of the statistics look like, and what stands below each: its data, as a table and to take along."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

Spec = dict[str, Any]
"""A chart without its data, as Vega-Lite reads it. Each is made once: that takes Altair longer than all the rest."""

DATA = "table"
"""What a chart calls its data."""

LABEL = "Label"
"""The column that names the rows of a chart of columns."""

DAYS = ("Day", "Week from", "Month from", "Year from")
"""The columns of tables that hold days."""

HEIGHT = 260
BAR, BETWEEN = 14, 12
"""Of a bar that lies, and between two models; in pixels."""

ROW = 22
"""Of a theme, in pixels."""

APART = alt.Scale(paddingInner=0.1)
"""Between the fields of themes."""

COLUMN = "min(40, 0.85 * bandwidth('x'))"
SHORT = "datum.value < 1 ? format(datum.value, '~g') : format(datum.value, '~s')"
"""Expressions of Vega: how wide a column is, and a number such as 200k."""

KIND, NUMBER, RANK = "Kind", "Number", "Rank"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart and the table it is drawn from; where there is nothing to draw it is None, and the sentence says so.

    `drawn` is the table as the chart reads it.
    """

    title: str
    sentence: str
    chart: Spec | None = None
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawn: pd.DataFrame = field(default_factory=pd.DataFrame)


def draw_picture(picture: Picture, of: str) -> None:
    """`of` says in the name of the file which figures these are."""
    st.subheader(picture.title, anchor=False)
    if picture.chart is None:
        st.caption(picture.sentence)
        return
    st.vega_lite_chart(spec=picture.chart | {"datasets": {DATA: picture.drawn}}, alt=picture.sentence)
    if len(picture.drawn) < len(picture.table):
        st.caption(f"The first {len(picture.drawn):,} of {len(picture.table):,}; the table has all of them.")
    place = st.expander("As a table", icon=":material/table:", key=f"table of {picture.title}", on_change="rerun")
    if place.open:
        with place:
            _draw_table(picture, of)


def _draw_table(picture: Picture, of: str) -> None:
    st.dataframe(picture.table, hide_index=True, column_config=_formats(picture.table), alt=picture.title)
    st.download_button(
        "Download",
        picture.table.to_csv(index=False),
        f"windowseat {picture.title} {of}.csv".replace(" ", "-").lower(),
        "text/csv",
        key=f"download of {picture.title}",
        on_click="ignore",
        icon=":material/download:",
    )


def _formats(table: pd.DataFrame) -> dict[str, Any]:
    """Days and numbers in the manner of the browser."""
    days: dict[str, Any] = {name: st.column_config.DateColumn(format="localized") for name in DAYS}
    numbers = map(str, table.select_dtypes("number").columns)
    return days | {name: st.column_config.NumberColumn(format="localized") for name in numbers}


@cache
def columns(title: str, kinds: tuple[str, ...], colours: tuple[str, ...]) -> Spec:
    """A column for each row, named by its LABEL, with its kinds above each other; `title` says what the rows are.

    `colours` are the kinds in the order of the theme's colours.
    """
    return _spec(
        _folded(kinds)
        .transform_calculate(as_=RANK, calculate=f"indexof({list(kinds)}, datum.{KIND})")
        .mark_bar(aria=False, width=alt.ExprRef(COLUMN))
        .encode(
            x=alt.X(f"{LABEL}:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelLimit=160)),
            y=alt.Y(f"{NUMBER}:Q", title=None, axis=alt.Axis(labelExpr=SHORT, tickMinStep=1)),
            color=_colour(kinds, colours),
            order=f"{RANK}:Q",
            tooltip=[alt.Tooltip(f"{LABEL}:O", title=title), *_numbers(kinds, ",")],
        )
        .properties(height=HEIGHT)
    )


@cache
def rows(count: int, kinds: tuple[str, ...], form: str) -> Spec:
    """For each of so many models as many bars as there are kinds; `form` is how their numbers are written."""
    return _spec(
        _folded(kinds)
        .mark_bar(aria=False)
        .encode(
            x=alt.X(f"{NUMBER}:Q", title=None, axis=alt.Axis(labelExpr=SHORT, tickCount=5, grid=True)),
            y=alt.Y("Model:N", sort=None, title=None, axis=alt.Axis(labelLimit=150)),
            yOffset=alt.YOffset(f"{KIND}:N", sort=kinds),
            color=_colour(kinds, kinds),
            tooltip=["Model:N", *_numbers(kinds, form)],
        )
        .properties(height=60 + count * (BETWEEN + BAR * len(kinds)))
    )


@cache
def week(weekdays: tuple[str, ...]) -> Spec:
    """A field for each hour, the darker the more turns."""
    hours = alt.Axis(values=[0, 6, 12, 18], labelAngle=0, labelExpr="datum.value + ':00'")
    return _spec(
        _chart()
        .mark_rect(aria=False, cornerRadius=2)
        .encode(
            x=alt.X("Hour:O", title=None, axis=hours),
            y=alt.Y("Weekday:O", sort=weekdays, title=None),
            opacity=alt.Opacity("Turns:Q", scale=alt.Scale(domainMin=0, range=[0.06, 1]), legend=None),
            tooltip=["Weekday:O", "Hour:O", "Turns:Q"],
        )
        .properties(height=HEIGHT)
    )


@cache
def weeks(title: str, count: int) -> Spec:
    """A row for each of so many themes, and a field for each of its steps of time, the darker the more prompts."""
    return _spec(
        _chart()
        .mark_rect(aria=False, cornerRadius=2)
        .encode(
            x=alt.X(
                f"{LABEL}:O",
                sort=None,
                title=None,
                scale=APART,
                axis=alt.Axis(labelAngle=0, labelLimit=160, labelFlush=False),
            ),
            y=alt.Y("Theme:N", sort=None, title=None, scale=APART, axis=alt.Axis(labelLimit=130, labelFlush=False)),
            opacity=alt.Opacity("Prompts:Q", scale=alt.Scale(type="sqrt", domainMin=0, range=[0.05, 1]), legend=None),
            tooltip=["Theme:N", alt.Tooltip(f"{LABEL}:O", title=title), "Prompts:Q", alt.Tooltip("Of:Q", title="of")],
        )
        .properties(height=40 + count * ROW)
    )


def _spec(chart: alt.Chart) -> Spec:
    """Without Altair's own theme: the page has another."""
    made: Spec = chart.to_dict()
    return {name: part for name, part in made.items() if name != "config"}


def _chart() -> alt.Chart:
    return alt.Chart(alt.NamedData(DATA))


def _folded(kinds: Sequence[str]) -> alt.Chart:
    """A row for each kind of each row; it keeps what the row had."""
    folded: alt.Chart = _chart().transform_fold(list(kinds), as_=[KIND, NUMBER])
    return folded


def _colour(kinds: Sequence[str], colours: Sequence[str]) -> alt.Color:
    legend = alt.Legend(orient="top", offset=6, padding=0, labelPadding=0, values=list(kinds)) if kinds[1:] else None
    return alt.Color(f"{KIND}:N", title=None, scale=alt.Scale(domain=list(colours)), legend=legend)


def _numbers(kinds: Sequence[str], form: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{kind}:Q", format=form) for kind in kinds]
