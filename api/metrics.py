"""Figures for Prometheus: requests, and the replies of this process, from whichever door they were asked for."""

from collections.abc import Callable
from dataclasses import replace

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from agent import Ended, Status

SILENT = "(none)"
"""For a model that never said anything: anybody can make up names of those."""

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """A registry of its own, so that two services of one process don't count each other."""

    def __init__(self) -> None:
        self._registry = made = CollectorRegistry()
        self._answered: set[str] = set()
        self._requests = Counter("windowseat_requests", "Requests", ["method", "route", "status"], registry=made)
        self._request_seconds = Histogram(
            "windowseat_request_seconds", "Time to the end of the answer", ["route"], registry=made
        )
        self._running = Gauge("windowseat_running_replies", "Replies that run now", registry=made)
        self._replies = Counter("windowseat_replies", "Replies that ended", ["model", "status"], registry=made)
        self._failures = Counter("windowseat_reply_failures", "Replies that failed", ["model"], registry=made)
        self._tokens = Counter("windowseat_tokens", "Tokens, as servers counted", ["model", "direction"], registry=made)
        self._first_text = Histogram(
            "windowseat_first_text_seconds", "From prompt to first text", ["model"], buckets=SECONDS, registry=made
        )
        self._seconds = Histogram(
            "windowseat_reply_seconds", "From prompt to the end", ["model"], buckets=SECONDS, registry=made
        )

    def look_at(self, running: Callable[[], float]) -> None:
        """Where to ask how many replies run."""
        self._running.set_function(running)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def count_reply(self, ended: Ended) -> None:
        if ended.first_text is not None or ended.status is Status.COMPLETE:
            self._answered.add(ended.model)
        elif ended.model not in self._answered:
            ended = replace(ended, model=SILENT)
        self._replies.labels(ended.model, ended.status.value).inc()
        if ended.status is Status.FAILED:
            self._failures.labels(ended.model).inc()
        for direction, tokens in (("in", ended.input_tokens), ("out", ended.output_tokens)):
            self._tokens.labels(ended.model, direction).inc(tokens or 0)
        if ended.first_text is not None:
            self._first_text.labels(ended.model).observe(ended.first_text.total_seconds())
        self._seconds.labels(ended.model).observe(ended.duration.total_seconds())

    def as_text(self) -> bytes:
        return generate_latest(self._registry)
