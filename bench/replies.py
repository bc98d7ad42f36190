"""What a reply costs beside Ollama's own client on the same wire: one at a time, and 200 at once."""

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path

import httpx
import ollama

from agent import Agent, Reply, Settings, Status, collect_seldom
from bench.fill import PROMPT, REPLY
from bench.wire import Token, Wire, tokens_of
from storage import Message, Sender, Store

WINDOW = 10
PACED, QUICK, SHORT = "wire:100x200", "wire:0x1000", "wire:100x3"
ROUNDS = {PACED: 2, QUICK: 5, SHORT: 30}

REPLIES = 200
SPREAD = 5.0
"""Seconds over which they are begun."""

TOKENS = 200
CROWD = f"wire:20x{TOKENS}"
LOOK = 0.01
"""Seconds from one look at all running replies to the next."""

Work = Callable[[str], "Stream"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One reply, read: when it was asked for, in ns, its tokens, and the CPU seconds of this process."""

    asked: int
    tokens: list[Token]
    cpu: float

    @property
    def first(self) -> float:
        """Milliseconds from the call to the first token."""
        return (self.tokens[0].read - self.asked) / 1e6

    @property
    def span(self) -> float:
        """Milliseconds from the first token to the last."""
        return (self.tokens[-1].read - self.tokens[0].read) / 1e6

    @property
    def delay(self) -> float:
        """The median token's, in ms."""
        return statistics.median(delays_of(self.tokens))

    @property
    def each(self) -> float:
        """Milliseconds from the call to the last token, divided among all."""
        return (self.tokens[-1].read - self.asked) / 1e6 / len(self.tokens)

    @property
    def cpu_each(self) -> float:
        return 1000 * self.cpu / len(self.tokens)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many replies at once: the delays of their tokens in ms, and the memory in MB before, at its peak and after."""

    delays: list[float]
    complete: int
    cpu: float
    memory: tuple[float, float, float]


def run() -> None:
    _one_at_a_time()
    _at_once()


def _one_at_a_time() -> None:
    with tempfile.TemporaryDirectory() as folder, Wire(*ROUNDS) as wire, asyncio.Runner() as runner:
        settings = _settings(folder, wire.url)
        plain, concurrent = ollama.Client(wire.url), ollama.AsyncClient(wire.url)
        with Store(settings.database_url) as store, Agent(settings) as agent:
            chats = (f"talk {number}" for number in count())
            works: tuple[Work, ...] = (
                lambda model: runner.run(_read_concurrent(concurrent, model)),
                partial(_read_plain, plain),
                lambda model: _read_ours(agent, store, next(chats), model),
            )
            seen = {model: _interleaved(model, works, rounds) for model, rounds in ROUNDS.items()}
        runner.run(concurrent.close())  # type: ignore[no-untyped-call]
        plain.close()  # type: ignore[no-untyped-call]
    _print_added(seen)


def _print_added(seen: dict[str, tuple[list[Stream], ...]]) -> None:
    print(f"\nA reply after a window of {WINDOW} turns, beside Ollama's client: medians of interleaved rounds, in ms")
    print(f"{'':<44} {'async':>10} {'sync':>10} {'Windowseat':>10} {'added to async':>15}")
    for name, model, figure, relative in (
        ("200 tokens, 100 a second: first to last", PACED, "span", True),
        ("200 tokens, 100 a second: delay of each", PACED, "delay", False),
        ("200 tokens, 100 a second: each, of CPU", PACED, "cpu_each", False),
        ("1,000 tokens, unpaced: each", QUICK, "each", False),
        ("1,000 tokens, unpaced: each, of CPU", QUICK, "cpu_each", False),
        ("from the call to the first token", SHORT, "first", False),
    ):
        medians = [statistics.median(getattr(stream, figure) for stream in streams) for streams in seen[model]]
        added = f"{medians[2] / medians[0] - 1:.2%}" if relative else f"{medians[2] - medians[0]:.3f}"
        print(f"{name:<44} {' '.join(f'{median:>10.3f}' for median in medians)} {added:>15}")


def _interleaved(model: str, works: tuple[Work, ...], rounds: int) -> tuple[list[Stream], ...]:
    """The streams of each, read in turns; the first round only warms up, and is short."""
    streams: tuple[list[Stream], ...] = tuple([] for _ in works)
    for work in works:
        work(SHORT)
    for _ in range(rounds):
        for work, read in zip(works, streams, strict=True):
            read.append(work(model))
    return streams


def _bare_messages() -> list[ollama.Message]:
    """A prompt after the same window."""
    turn = [ollama.Message(role="user", content=PROMPT), ollama.Message(role="assistant", content=REPLY)]
    return [*turn * WINDOW, turn[0]]


def _read_plain(client: ollama.Client, model: str) -> Stream:
    messages, cpu, asked = _bare_messages(), time.process_time(), time.monotonic_ns()
    parts = client.chat(model, messages, stream=True)
    tokens = [token for part in parts for token in tokens_of(part.message.content or "")]
    return Stream(asked, tokens, time.process_time() - cpu)


async def _read_concurrent(client: ollama.AsyncClient, model: str) -> Stream:
    messages, cpu, asked = _bare_messages(), time.process_time(), time.monotonic_ns()
    parts = await client.chat(model, messages, stream=True)
    tokens = [token async for part in parts for token in tokens_of(part.message.content or "")]
    return Stream(asked, tokens, time.process_time() - cpu)


def _read_ours(agent: Agent, store: Store, session: str, model: str) -> Stream:
    chat = agent.conversation(session)
    chat.configure(model=f"ollama:{model}")
    store.turns.append("local", session, [Message(Sender.HUMAN, PROMPT), Message(Sender.AI, REPLY)] * WINDOW)
    cpu, asked = time.process_time(), time.monotonic_ns()
    tokens = [token for text in chat.stream(PROMPT) for token in tokens_of(text)]
    return Stream(asked, tokens, time.process_time() - cpu)


def _at_once() -> None:
    print(
        f"\n{REPLIES} replies at once, begun over {SPREAD:.0f} s, {TOKENS} tokens each, 20 a second: delays in ms, "
        "memory in MB"
    )
    columns = ("p50", "p95", "p99", "max", "complete", "CPU s", "before", "peak", "after")
    print(f"{'':<18} {' '.join(f'{column:>8}' for column in columns)}")
    with Wire(CROWD) as wire:
        for name in ("async client", "Windowseat"):
            # In a process of its own, since memory that was once used is seldom given back.
            command = [sys.executable, "-m", "bench.replies", name, wire.url]
            crowd = Crowd(**json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
            delays = sorted(crowd.delays)
            shown = [delays[int(share * (len(delays) - 1))] for share in (0.5, 0.95, 0.99, 1)]
            figures = (*shown, crowd.complete, crowd.cpu, *crowd.memory)
            print(f"{name:<18} {' '.join(f'{figure:>8.4g}' for figure in figures)}")


def _crowd(name: str, url: str) -> Crowd:
    collect_seldom()  # As the page's own process does.
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_bare_crowd(url)) if name == "async client" else _our_crowd(folder, url)


async def _bare_crowd(url: str) -> Crowd:
    # httpx allows 100 connections by default.
    client = ollama.AsyncClient(url, limits=httpx.Limits(max_connections=None))
    before, cpu = _memory("VmRSS"), time.process_time()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for pause in pauses():
            await asyncio.sleep(pause)
            tasks.append(group.create_task(_read_concurrent(client, CROWD)))
    read = [task.result().tokens for task in tasks]
    cpu = time.process_time() - cpu
    await client.close()  # type: ignore[no-untyped-call]
    memory = before, _memory("VmHWM"), _memory("VmRSS")
    complete = sum(len(tokens) == TOKENS for tokens in read)
    return Crowd([delay for tokens in read for delay in delays_of(tokens)], complete, cpu, memory)


def _our_crowd(folder: str, url: str) -> Crowd:
    with Agent(_settings(folder, url)) as agent:
        chats = [agent.conversation(f"talk {number}") for number in range(REPLIES)]
        for chat in chats:
            chat.configure(model=f"ollama:{CROWD}")
        replies: list[Reply] = []
        tokens: list[Token] = []
        reader = threading.Thread(target=_read_all, args=(replies, tokens), daemon=True)
        before, cpu = _memory("VmRSS"), time.process_time()
        reader.start()
        for chat, pause in zip(chats, pauses(), strict=True):
            time.sleep(pause)
            replies.append(chat.start(PROMPT))
        reader.join()
        cpu = time.process_time() - cpu
        memory = before, _memory("VmHWM"), _memory("VmRSS")
        complete = sum(
            reply.status is Status.COMPLETE and len(chat.turns(1)[0].reply.split()) == TOKENS
            for chat, reply in zip(chats, replies, strict=True)
        )
        return Crowd(delays_of(tokens), complete, cpu, memory)


def _read_all(replies: list[Reply], tokens: list[Token]) -> None:
    """Look at each reply every LOOK until all have ended.

    One thread that looks disturbs less than 200 that wait, each of which is woken for each token. What it sees is up
    to LOOK old, and that is in the delays.
    """
    places = [0] * REPLIES
    left = set(range(REPLIES))
    while left:
        for number in [number for number in left if number < len(replies)]:
            ended = not replies[number].running
            if text := replies[number].since(places[number]):
                places[number] += len(text)
                tokens += tokens_of(text)
            elif ended:
                left.remove(number)
        time.sleep(LOOK)


def pauses() -> Iterator[float]:
    """How long to wait before each reply is begun, so that all are begun on time."""
    began = time.monotonic()
    for number in range(REPLIES):
        yield max(0.0, began + number * SPREAD / REPLIES - time.monotonic())


def delays_of(tokens: list[Token]) -> list[float]:
    """In ms."""
    return [(token.read - token.written) / 1e6 for token in tokens]


def _memory(which: str) -> float:
    """In MB: VmRSS is what is used now, VmHWM the most that ever was."""
    found = re.search(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1000


def _settings(folder: str, url: str) -> Settings:
    return Settings.read(
        _env_file=None, database_url=f"sqlite:///{folder}/windowseat.db", ollama_host=url, window_turns=WINDOW
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asdict(_crowd(*sys.argv[1:]))))
    else:
        run()
