"""The routes of the four earlier back ends."""

from fastapi import APIRouter


def earlier(*, debug: bool) -> APIRouter:
    del debug
    return APIRouter(tags=["earlier"])
