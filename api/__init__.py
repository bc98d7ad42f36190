"""Windowseat over HTTP: `uvicorn api:app --port 8000` serves it alone, `streamlit run streamlit_app.py` under `/api`.

`make_service` makes the ASGI app for an agent that somebody else opens and closes; `app` opens one of its own.
"""

from api.service import app, make_service, restricted

__all__ = ["app", "make_service", "restricted"]
