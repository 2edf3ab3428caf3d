"""Bundles in a registry: `bundles/NAME/VERSION/`, each a copy that was held to its digests before it took its name."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tunewright.errors import ModelError
from tunewright.runfolder import disk, write_folder
from tunewright.runfolder.atomic import remove_folder, sweep
from tunewright.runfolder.marker import MARKER

FOLDER: Final = "bundles"


def place_of(registry: Path, name: str, version: int) -> Path:
    """Where the bundle of a version lies."""
    return registry / FOLDER / name / str(version)


def bundle_digest(bundle: Path) -> str:
    """What names a bundle by its content: the SHA-256 of its list of digests.

    Raises:
        ModelError: not a bundle.
    """
    from tunewright.bundle.reading import SUMS

    try:
        return hashlib.sha256((bundle / SUMS).read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(
            f"A bundle is a folder with {SUMS}. Of {bundle} that cannot be read: {error.strerror or error}. "
            "Give the `bundle` folder of a run."
        ) from error


def copy_bundle(bundle: Path, target: Path, *, digest: str) -> int:
    """Copy a bundle, all of it or nothing, and hold the copy to its digests. What is at `target` is replaced.

    Args:
        bundle: whose files are copied; hidden ones are left out.
        target: the copy.
        digest: `bundle_digest` as it was when the bundle was looked at.

    Returns:
        Bytes of its files.

    Raises:
        ModelError: a file is a link, was changed or is missing, or the bundle became another meanwhile.
        RunError: the disk refused.
    """
    from tunewright.bundle.reading import check_sums

    with write_folder(target) as temporary:
        size = 0
        for file in _files(bundle):
            copy = temporary / file.relative_to(bundle)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy, follow_symlinks=False)
            size += copy.stat().st_size
        check_sums(temporary)
        if bundle_digest(temporary) != digest:
            raise ModelError(f"A bundle must stay as it is while it is copied. {bundle} changed. Add it again.")
    return size


def remove_strangers(registry: Path, known: Collection[tuple[str, int]]) -> list[Path]:
    """Remove what writers that were killed left: temporary folders, and copies that no version names.

    Call it inside the transaction that nobody writes beside. Folders that no registry makes are left alone.

    Args:
        registry: its folder.
        known: names and numbers of all versions.

    Returns:
        The folders that were removed.
    """
    removed = []
    with disk.refusals_named(registry / FOLDER):
        for model in _folders(registry / FOLDER):
            sweep(model)
            for copy in _folders(model):
                if copy.name.isdecimal() and (model.name, int(copy.name)) not in known:
                    remove_folder(copy)
                    removed.append(copy)
            with suppress(OSError):  # only where nothing is left in it
                model.rmdir()
    return removed


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())


def _files(bundle: Path) -> Iterator[Path]:
    """Files of a bundle in a fixed order, without hidden ones and the marker of its folder."""
    for root, folders, names in os.walk(bundle):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *sorted(names)]:
            file = Path(root, name)
            kind = file.lstat().st_mode
            if name.startswith(".") or file == bundle / MARKER or (stat.S_ISDIR(kind) and name in folders):
                continue
            if not stat.S_ISREG(kind):
                raise ModelError(
                    f"A bundle must hold plain files. {file} is a link or a device. Take the bundle from the run again."
                )
            yield file
