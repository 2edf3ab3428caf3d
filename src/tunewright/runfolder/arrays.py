"""Arrays into a safetensors file, with the disk's refusals as the errors that they are."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunewright.errors import RunError

if TYPE_CHECKING:
    import numpy as np


def read_arrays(file: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Read the arrays that `write_arrays` wrote into a folder of our own.

    Raises:
        RunError: it is not there or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(file))
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(f"{file} must be a readable safetensors file. Got: {error}. Start over with --fresh.") from error


def write_arrays(
    file: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray[Any, Any]],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named arrays to a new file; call it inside `write_folder`, which makes the write atomic.

    Args:
        file: where to.
        arrays: in any memory order.
        metadata: texts for the file's header.

    Raises:
        OSError: the disk refused; the library says so in an error of its own.

    >>> import tempfile, numpy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_arrays(f"{folder}/a.safetensors", {"a": numpy.ones(2)})
    ...     os.path.getsize(f"{folder}/a.safetensors") > 16
    True
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        save_file(plain, file, metadata=dict(metadata) if metadata else None)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number[1]) if number else errno.EIO, str(error)) from error
