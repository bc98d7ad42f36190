"""What a context is made of, in tokens, as a bar."""

import altair as alt
import pandas as pd
import streamlit as st

from agent import Context

_PARTS = {
    "told": "System prompt and summary",
    "pinned": "Pinned turns",
    "window": "Window",
    "prompt": "Prompt",
    "begun": "Begun reply",
}
_ROOM = "Room for the reply"
_COLOURS = dict(
    zip((*_PARTS.values(), _ROOM), ("#7a5ea8", "#c2703d", "#2b828c", "#b0892f", "#a8435a", "#9aa3a7"), strict=True)
)


def draw_sizes(context: Context) -> None:
    """A bar of what the context is made of, in tokens, with the room that is left for the reply."""
    sizes = {_PARTS[part]: size for part, size in context.sizes.items() if size}
    if context.receipt.context is not None:
        sizes[_ROOM] = max(0, context.receipt.context - sum(sizes.values()))
    if not sizes:
        return
    data = pd.DataFrame({"Part": list(sizes), "Tokens": list(sizes.values())})
    data["Place"] = data["Part"].map([*_COLOURS].index)
    chart = (
        alt.Chart(data)
        .mark_bar(height=22)
        .encode(
            x=alt.X(
                "Tokens:Q",
                title="Tokens",
                axis=alt.Axis(tickCount=4, format=",d", titlePadding=2),
                scale=alt.Scale(domain=[0, sum(sizes.values())], nice=False),
            ),
            color=alt.Color(
                "Part:N",
                scale=alt.Scale(domain=list(sizes), range=[_COLOURS[part] for part in sizes]),
                legend=alt.Legend(orient="bottom", title=None, columns=2, labelLimit=220),
            ),
            order="Place:O",
            tooltip=["Part:N", alt.Tooltip("Tokens:Q", format=",")],
        )
        .properties(height=128 + 24 * -(-len(sizes) // 2))
    )
    said = ", ".join(f"{part.lower()} {size:,}" for part, size in sizes.items())
    st.altair_chart(chart, alt=f"Tokens of the context: {said}.")
