"""A rerun of the page, as its websocket has it: no browser is in the way."""

import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.sync.client import connect

PAUSE = 0.3
"""Seconds between two reruns, so that they are clicks of a person."""


def reruns(url: str, query: str, times: int) -> list[float]:
    """Ms from the click to the end of the script, of each of so many reruns."""
    click = BackMsg()
    click.rerun_script.query_string = query
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    taken = []
    with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None) as wire:
        for _ in range(times + 2):
            time.sleep(PAUSE)
            began = time.perf_counter()
            wire.send(click.SerializeToString())
            while ForwardMsg.FromString(wire.recv(decode=False)).WhichOneof("type") != "script_finished":
                pass
            taken.append(1000 * (time.perf_counter() - began))
    return taken[2:]
