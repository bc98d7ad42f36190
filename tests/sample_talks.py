"""Sessions on their way out, made by hand: small ones, and one with all that can be in one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from PIL import Image

from storage import Image as StoredImage
from storage import Message, Sender, Status
from storage.transfer import Form, Talk, as_file
from storage.transfer.talk import TalkMessage, TalkTurn

BEGUN = datetime(2026, 5, 4, 12, tzinfo=UTC)
USED = BEGUN + timedelta(hours=3, seconds=7)

MARKDOWN = """# Packing for Lisbon

Take *layers*: mornings are **cool**, afternoons ~~hot~~ warm. See [the forecast](https://example.org/weather) or
<https://example.org/a/very/long/address/that/does/not/end/soon/and/goes/on/and/on/until/the/line/is/over.html>.

- a light jacket
  - or a jumper
    1. of wool
    2. of cotton
- shoes with `grip`

> The pavements are polished stone.
>
> > Wet, they are ice.

| Day | Morning | Afternoon |
|---|---|---:|
| 1 | Alfama and the castle, then **slowly** down to the river through the small streets | Tram 28 |
| 2 | Belém tower | Tiles museum, `azulejos` |

The mean is $\\bar{x} = \\frac{1}{n} \\sum_i x_i$, and it costs $5 to $6:

$$
\\int_0^1 x^2 \\, dx
= \\frac{1}{3}
$$

```python
from datetime import date

def days_left(until: date) -> int:
    \"\"\"How many days there are until then, counted from today, with neither the first nor the last left out.\"\"\"
    return (until - date.today()).days
```

| Address | What | Where | When | Who | Why | How |
|---|---|---|---|---|---|---|
| https://example.org/a/very/long/address/without/end | `one_very_long_name_of_a_function()` | here | now | I | so | |

---

Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsvorstandsmitgliederversammlung.
"""
SCRIPTS = (
    "هذه رسالة قصيرة عن لشبونة (Lisbon) في 12 مايو.\n\n"
    "- أولاً: سترة خفيفة\n- ثانياً: حذاء\n\nשלום עולם, this is Hebrew.\n\nनमस्ते दुनिया। สวัสดีชาวโลก. Γειά σου Κόσμε. Привет."
    "\n\n→ ≤ ∑ ☃ ✓ ½ “quoted” — 20 °C"
)
THOUGHT = "They go in May.\n\n1. What is the weather?\n2. What do they like?"


def picture(kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.linear_gradient("L").resize((240, 120)).convert("RGB").save(file, kind)
    return file.getvalue()


def written(form: Form, *talks: Talk, many: bool = False) -> bytes:
    return b"".join(as_file(talks, form, many=many))


def said(sender: Sender, text: str, /, **full: Any) -> TalkMessage:
    """A message; `full` are the fields of the whole one, if that says more than the text."""
    return TalkMessage(sender, text, full={"type": sender.value.lower(), "data": full} if full else None)


def thinking(text: str, thought: str) -> TalkMessage:
    return TalkMessage(Sender.AI, text, full=Message.reply(text, thought).full)


def turn(prompt: str | TalkMessage, *rest: str | TalkMessage, **more: Any) -> TalkTurn:
    """The rest are replies, where nothing else is said."""
    replies = (part if isinstance(part, TalkMessage) else TalkMessage(Sender.AI, part) for part in rest)
    first = prompt if isinstance(prompt, TalkMessage) else TalkMessage(Sender.HUMAN, prompt)
    given: dict[str, Any] = {"parent": None, "messages": (first, *replies), "opened_at": BEGUN, "model": "llama3.2:3b"}
    return TalkTurn(**(given | more))


def talk(*turns: TalkTurn, title: str = "A week in Lisbon", **more: Any) -> Talk:
    """A session whose turns follow each other."""
    path = tuple(replace(one, parent=place - 1 if place else None) for place, one in enumerate(turns))
    given: dict[str, Any] = {"source": "windowseat:lisbon", "session_id": "lisbon", "title": title, "turns": path}
    given |= {"created_at": BEGUN, "last_activity": USED, "head": len(path) - 1 if path else None}
    return Talk(**(given | more))


def rich() -> Talk:
    """One with everything."""
    content = picture()
    kept = StoredImage("view from the castle.png", "image/png", "d1", len(content))
    shown = Message.prompt("What is this?\n\nnotes.txt:\n\n```txt\nTram 28\n  at nine\n```", [kept])
    call = {"name": "weather", "args": {"where": "Lisbon", "days": [1, 2]}, "id": "1", "type": "tool_call"}
    return talk(
        turn("I go to Lisbon in May.\nWhat should I pack?", thinking(MARKDOWN, THOUGHT)),
        turn(
            TalkMessage(Sender.HUMAN, shown.content, full=shown.full),
            said(Sender.AI, "", tool_calls=[call]),
            said(Sender.TOOL, '{"sky": "clear", "high": 23}', name="weather", status="success", tool_call_id="1"),
            said(Sender.TOOL, "No such place", name="map", status="error", tool_call_id="2"),
            "The view from the castle, at 23 °C.",
        ),
        turn("And in other scripts?", SCRIPTS),
        turn("Go on", "It begins with", status=Status.STOPPED),
        turn("Again", status=Status.FAILED, error="The model's server can't be reached: start it, then try again."),
        tags=("travel", "may"),
        settings={"system_prompt": {"text": "Be brief and friendly.", "version": 1}},
        images={"d1": content},
    )
