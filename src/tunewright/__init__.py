"""Tunewright: fine-tune pretrained models from a table of examples, with the evidence that they are good.

>>> import tunewright as tw
>>> sorted(name for name in dir(tw) if not name.startswith("_"))
['audit', 'compare', 'load', 'run', 'tune']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunewright.version import __version__

if TYPE_CHECKING:
    from tunewright.api import audit, compare, load, run, tune

__all__ = ["__version__", "audit", "compare", "load", "run", "tune"]
_FUNCTIONS = ("audit", "compare", "load", "run", "tune")


def __getattr__(name: str) -> Any:
    # `import tunewright` costs nothing; the first use of a function loads what it needs.
    if name in _FUNCTIONS:
        from tunewright import api

        return getattr(api, name)
    raise AttributeError(f"module 'tunewright' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
