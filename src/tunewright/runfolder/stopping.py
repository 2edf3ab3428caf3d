"""Ask the process that works in a run folder to stop where it can be continued, as Ctrl-C would."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from tunewright.errors import RunError
from tunewright.runfolder.lock import NAME, Holder, holder_of


def ask_to_stop(folder: str | os.PathLike[str]) -> Holder:
    """Send SIGINT, once, to the process that holds a run folder; it saves a checkpoint and leaves with exit code 130.

    Args:
        folder: the run folder.

    Returns:
        Who was asked.

    Raises:
        RunError: nobody works there, or whoever does cannot be told from here: on another machine, of another user, or
            a process that does not have the folder's lock open.
    """
    folder = Path(folder)
    holder = holder_of(folder)
    if holder is None:
        raise RunError(f"Only a run that is working can be stopped. {folder} has no process. The same command goes on.")
    if holder.pid <= 0:
        raise RunError(f"A run is stopped by asking its process. {folder} is held by one that has not said who it is.")
    if holder.host != socket.gethostname():
        raise RunError(f"A run is stopped on its own machine. {folder} is held on {holder.host}. Press Ctrl-C there.")
    try:
        _interrupt(holder, folder)
    except ProcessLookupError as gone:
        raise RunError(f"Only a run that is working can be stopped. Process {holder.pid} has just ended.") from gone
    except PermissionError as refused:
        raise RunError(
            f"A run is stopped by the user who started it. Process {holder.pid} is another's. Ask them."
        ) from refused
    return holder


def _interrupt(holder: Holder, folder: Path) -> None:
    """Signal the process that was looked at, and no other that took its number since."""
    if not hasattr(os, "pidfd_open"):
        _refuse_bystander(holder, folder)
        os.kill(holder.pid, signal.SIGINT)
        return
    process = os.pidfd_open(holder.pid)
    try:
        _refuse_bystander(holder, folder)
        signal.pidfd_send_signal(process, signal.SIGINT)
    finally:
        os.close(process)


def _refuse_bystander(holder: Holder, folder: Path) -> None:
    """What the lock file says is text; a process is only signalled where it has that very file open."""
    import psutil

    try:
        files = psutil.Process(holder.pid).open_files()
    except psutil.NoSuchProcess as gone:
        raise ProcessLookupError from gone
    except psutil.AccessDenied as refused:
        raise PermissionError from refused
    lock = os.stat(folder / NAME)
    if not any(_is(file.path, lock) for file in files):
        raise RunError(f"The lock of {folder} must name who holds it. Process {holder.pid} does not have it open.")


def _is(path: str, lock: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), lock)
    except OSError:
        return False
