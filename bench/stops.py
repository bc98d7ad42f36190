"""How soon the model's server sees that a reply was stopped."""

import statistics
import tempfile
import time
from collections.abc import Callable

from agent import Agent, Reply, Settings
from tests.ollama_server import OllamaServer, Script

ROUNDS = 10
MODEL = "llama3.2:3b"


def run() -> None:
    print("\nStop, until the model's server sees the hang-up, in ms")
    print(f"{'':<44} {'median':>8} {'longest':>8}")
    for name, pause, elsewhere in (
        ("before the first token, same process", 60.0, False),
        ("in mid-stream, same process", 0.02, False),
        ("before the first token, another process", 60.0, True),
        ("in mid-stream, another process", 0.02, True),
    ):
        taken = _taken(Script(words=("word ",) * 10_000, pause=pause), elsewhere=elsewhere)
        print(f"{name:<44} {statistics.median(taken):>8.1f} {max(taken):>8.1f}")


def _taken(script: Script, *, elsewhere: bool) -> list[float]:
    with tempfile.TemporaryDirectory() as folder, OllamaServer(script) as server:
        settings = Settings.read(
            _env_file=None,
            database_url=f"sqlite:///{folder}/windowseat.db",
            model=f"ollama:{MODEL}",
            ollama_host=server.url,
        )
        # The second one knows of the reply from the database alone, like any other process.
        with Agent(settings) as agent, Agent(settings) as other:
            return [_one(script, agent, other if elsewhere else agent, number) for number in range(ROUNDS)]


def _one(script: Script, agent: Agent, stopper: Agent, number: int) -> float:
    reply = agent.conversation(f"talk {number}").start("Hello")
    _until(lambda: len(script.chats) > number)
    if script.pause < 1:
        assert reply.wait(0, 5)
    time.sleep(0.1 + 0.037 * number)
    running: Reply | None = stopper.find(f"talk {number}").running
    assert running is not None
    asked = time.monotonic()
    running.stop()
    _until(lambda: len(script.hang_ups) > number)
    reply.wait_for_end(5)
    return 1000 * (script.hang_ups[-1] - asked)


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)
