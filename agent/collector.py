"""Python's garbage collector, for a process that runs many replies."""

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 50


def collect_seldom() -> None:
    """Look for garbage less often, in the whole process. For whoever starts one, once; the agent itself does not.

    Each token of a running reply is some small objects that live until its end: with 200 replies at once, looking
    through all of them again and again stopped everything for up to half a second.
    """
    gc.set_threshold(YOUNG, MIDDLE, OLD)
