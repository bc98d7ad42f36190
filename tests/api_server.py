"""The service over real HTTP: a server in a thread of its own, on a free port of loopback, for a test's agent."""

import ssl
import threading
import time
from types import TracebackType
from typing import Self

import httpx
import uvicorn

from agent import Agent
from api import make_service

STARTS = 30.0
"""Seconds within which it has to listen."""


class ApiServer:
    """The server, as a context manager. Who made the agent closes it, after this."""

    def __init__(self, agent: Agent) -> None:
        service = make_service(lambda: agent, agent.settings)
        self._server = uvicorn.Server(uvicorn.Config(service, port=0, lifespan="off", ws="none", log_config=None))
        self._thread = threading.Thread(target=self._server.run, name="api server")

    @property
    def url(self) -> str:
        host, port = self._server.servers[0].sockets[0].getsockname()
        return f"http://{host}:{port}"

    def client(self, token: str | None = None) -> httpx.Client:
        """One that waits for whole replies, for the owner of a token or for this machine."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Without the certificates of the machine: reading them takes longer than most of what is asked.
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=plain)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + STARTS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                self._server.should_exit = True
                raise TimeoutError(f"The service did not start within {STARTS:.0f} seconds.")
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
