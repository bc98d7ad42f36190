"""The notebooks run from end to end, and show what they say they show."""

import warnings
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def run(name: str) -> str:
    """Run a notebook in a kernel of its own; give the text of all that it shows."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        # The Jupyter client leaves a socket of its own to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        NotebookClient(notebook, timeout=60).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text") or output["data"].get("text/plain", "") for output in outputs)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_quickstart_shows_a_chat_three_windows_and_the_stored_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOKS)
    shown = run("quickstart.ipynb")
    assert "You said: What should I pack?. I remember 3 messages." in shown
    assert "3 turns in the context, 9 left out, 7 messages sent" in shown
    for window, most in ((1, 3), (3, 7), (10, 21)):
        line = next(line for line in shown.splitlines() if line.startswith(f"window of {window} "))
        assert line.split()[-1] == str(most)
    assert "left_out" in shown
