"""The run folder: one writer, atomic writes, a journal, checkpoints. Whatever kills a run, it can be continued."""

from tunewright.runfolder.arrays import read_arrays, write_arrays
from tunewright.runfolder.atomic import (
    check_folder,
    read_json,
    settle_folder,
    write_bytes,
    write_folder,
    write_json,
    write_text,
)
from tunewright.runfolder.folder import RunFolder, open_run
from tunewright.runfolder.journal import Entry, Journal, read_entries
from tunewright.runfolder.lock import RunLock
from tunewright.runfolder.state import State, load_state, save_state

__all__ = [
    "Entry",
    "Journal",
    "RunFolder",
    "RunLock",
    "State",
    "check_folder",
    "load_state",
    "open_run",
    "read_arrays",
    "read_entries",
    "read_json",
    "save_state",
    "settle_folder",
    "write_arrays",
    "write_bytes",
    "write_folder",
    "write_json",
    "write_text",
]
