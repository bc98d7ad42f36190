"""Prints every table."""

import os
import platform
from importlib.metadata import version

from bench import browser, crowd, library, page, replies, size, stops, store

print(
    f"Python {platform.python_version()}, SQLAlchemy {version('sqlalchemy')}, Streamlit {version('streamlit')}, "
    f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
)
store.run()
crowd.run()
replies.run()
stops.run()
page.run()
browser.run()
library.run()
size.run()
