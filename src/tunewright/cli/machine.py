"""How many threads the number libraries get."""

from __future__ import annotations

import os


def use_physical_cores() -> None:
    """Give OpenMP, and so torch and scikit-learn, one thread per physical core, unless `OMP_NUM_THREADS` is set.

    Two threads on one core share its arithmetic units and gain nothing in matrix products. The variable is set, rather
    than torch asked, because it must not cost an import of torch to say that a run folder is in use.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(physical_cores()))


def physical_cores() -> int:
    """Physical cores, as far as this process may use them; at least one.

    >>> physical_cores() >= 1
    True
    """
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(psutil.cpu_count(logical=False) or allowed, allowed), 1)
