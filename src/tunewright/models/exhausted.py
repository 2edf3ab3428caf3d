"""Out of memory: how to recognise it, and how to give back what nobody holds any more."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

import torch

from tunewright.errors import TunewrightError

# What torch's allocators and the C++ library say; there is one exception type for the GPU and none for the CPU.
SAID = ("can't allocate memory", "cannot allocate memory", "not enough memory", "out of memory", "bad_alloc")
# All that oneDNN says where it was given none. A kernel it has not fails before, with "a primitive descriptor for".
ONEDNN = ("could not create a primitive", "could not execute a primitive", "could not create a memory object")


def is_exhausted(error: BaseException) -> bool:
    """Whether an error says that there is no memory left.

    >>> is_exhausted(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    True
    >>> is_exhausted(MemoryError()), is_exhausted(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, TunewrightError):
        return False
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    said = str(error).lower()
    return said in ONEDNN or any(word in said for word in SAID)


def give_back(*, cycles: bool = False) -> None:
    """Return free memory to the system or the GPU: torch's cache, holes in the heap, and what only cycles hold.

    glibc keeps what is freed below the top of its heap; `malloc_trim` returns those pages. Elsewhere there is no such
    call, and nothing is done.

    Args:
        cycles: whether to look for cycles first. That visits every object of the process: 0.4 s in one that has just
            audited a table, over a second in a notebook that holds millions. Networks and what an audit learned are
            in none (1 MB of 184 was), so it is asked for only where memory has ended.
    """
    if cycles:
        gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
