"""Where a store is kept when nobody says where."""

from platformdirs import user_data_path

DATABASE_URL = "WINDOWSEAT_DATABASE_URL"
"""The variable that says where."""


def default_url() -> str:
    """A file in the user's data folder."""
    return f"sqlite:///{user_data_path('windowseat', appauthor=False) / 'windowseat.db'}"
