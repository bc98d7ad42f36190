"""Themes: the words by which the weeks of an owner's sessions differ, without a model.

asked → said (fillers) → rise, phrases → found → find
"""

from storage.themes.find import ThemeSearch
from storage.themes.found import Theme, Themes

__all__ = ["Theme", "ThemeSearch", "Themes"]
