"""The OpenAPI document, and a page of it that fetches nothing from outside."""

from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from api.schemas import Detail, Problem

_FILES = Path(fastapi_offline.__file__).parent / "static"
_KINDS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}


_TOKEN = {"type": "http", "scheme": "bearer", "description": "Wanted wherever there are tokens."}


def _document(routes: FastAPI) -> dict[str, Any]:
    """FastAPI's, with what it can't know: how errors look, and that a token may be wanted."""
    said = routes.openapi()
    parts = said["components"]
    schemas = parts["schemas"] | {shape.__name__: shape.model_json_schema() for shape in (Problem, Detail)}
    parts = parts | {"schemas": schemas, "securitySchemes": {"token": _TOKEN}}
    return said | {"components": parts, "security": [{"token": []}, {}]}


def add_docs(routes: FastAPI, admitted: Any) -> None:
    """`/docs` and `/openapi.json`, for who is `admitted`."""

    @routes.get("/openapi.json", include_in_schema=False, dependencies=[admitted])
    def document(request: Request) -> JSONResponse:
        return JSONResponse(_document(routes) | {"servers": [{"url": request.scope.get("root_path") or "/"}]})

    @routes.get("/docs", include_in_schema=False, dependencies=[admitted])
    def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title="Windowseat over HTTP",
            swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/favicon.png",
        )

    @routes.get("/docs/{name}", include_in_schema=False)
    def file(name: str) -> FileResponse:
        if name not in _KINDS or not (_FILES / name).is_file():
            raise HTTPException(404, "There is no such file.")
        return FileResponse(_FILES / name, media_type=_KINDS[name])
