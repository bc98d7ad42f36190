"""Pieces: what a growing reply is drawn in."""

from ui.markdown import PIECE, pieces

TEXT = "\n\n".join(
    [
        "# Lisbon\n\nA *ship* goes there.",
        "- in May\n- by night\n\n  or by day",
        "| from | to |\n|---|---|\n| Porto | Lisbon |",
        "```python\nsail = 1\n\nhome = 2\n```",
        *["All of this is a paragraph of its own, and there are many."] * 40,
        "~~~\nnot closed",
    ]
)


def test_all_but_the_last_piece_of_a_growing_text_stay_as_they_are() -> None:
    whole = pieces(TEXT)
    assert len(whole) > 4
    for end in range(0, len(TEXT), 7):
        finished = pieces(TEXT[:end])[:-1]
        assert finished == whole[: len(finished)]


def test_pieces_hold_all_of_the_text_and_take_no_block_once_they_are_long() -> None:
    whole = pieces(TEXT)
    assert [piece.language for piece in whole if piece.code] == ["python", ""]
    assert "".join(piece.text for piece in whole if not piece.code).count("a paragraph of its own") == 40
    assert max(len(piece.text) for piece in whole) < PIECE + 100


def test_a_text_of_nothing_has_no_pieces() -> None:
    assert pieces("") == []
