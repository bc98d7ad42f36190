"""Keys of model providers: never stored, logged or shown."""

import os
import re
from collections.abc import Mapping

_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
_LOOKS_LIKE = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|ghp|github_pat)[-_][A-Za-z0-9_*-]{8,}"
    r"|\bAIza[\w-]{20,}"
    r"|(?<=Bearer )\S+"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
    r"|(?<=[?&]key=)[^\s&]+"
    r"|(?<=password=)[^\s&]+"
    r"|(?<=api[-_ ]key[:=])\s*[^\s.,;]{6,}",
    re.IGNORECASE,
)
_SHORTEST = 6
"""A value with fewer characters is no key, and would be found in anything."""


def without_secrets(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with the values of environment variables that hold keys, and what looks like one, left out."""
    for name, value in environment.items():
        if _NAME.search(name) and len(value) >= _SHORTEST and not value.isdigit():
            text = text.replace(value, "…")
    return _LOOKS_LIKE.sub("…", text)
