"""Prints every table."""

import os
import platform
from importlib.metadata import version

from bench import browser, crowd, http, library, page, replies, size, stops, store, themes, transfer

print(
    f"Python {platform.python_version()}, SQLAlchemy {version('sqlalchemy')}, Streamlit {version('streamlit')}, "
    f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
)
store.run()
crowd.run()
replies.run()
stops.run()
http.run()
page.run()
browser.run()
library.run()
themes.run()
size.run()
transfer.run()
