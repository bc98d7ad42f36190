"""Text of people and models in places where Streamlit reads Markdown."""

import pytest

from ui.markdown import JOINER
from ui.words import as_plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a -- b", f"a -{JOINER}- b"),
        ("a -> b <-> c", rf"a -{JOINER}\> b \<{JOINER}-\> c"),
        ("--- a--b", r"\--- a--b"),
        ("Title\n===", "Title\n\\==="),
        ("Title\n---", "Title\n\\---"),
        ("a\n\n    b c", "a\n\n\xa0\xa0\xa0\xa0b c"),
        ("a\n\n \tb", "a\n\n\xa0\xa0\xa0\xa0\xa0b"),
        (":smile: at 10:30:45", rf"\:{JOINER}smile\: at 10\:30\:45"),
        (":material/home:", rf"\:{JOINER}material/home\:"),
        ("1. a\n- b", "1\\. a\n\\- b"),
        ("see https://a.b/c--d", "see `https://a.b/c--d`"),
    ],
)
def test_text_is_shown_as_it_is_written(text: str, shown: str) -> None:
    assert as_plain(text) == shown
