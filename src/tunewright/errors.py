"""Every exception Tunewright raises on purpose.

::

    TunewrightError
    ├── PlanError       (ValueError)         a plan or an option is wrong: exit 2
    ├── DataError       (ValueError)         the data cannot be used as it is: exit 3
    ├── ModelError      (ValueError)         a backbone or a bundle is damaged, hostile or unsuited
    ├── TrainingError   (RuntimeError)       training cannot go on
    ├── ExportError     (RuntimeError)       what was written does not answer as what was trained
    ├── ServingError    (RuntimeError)       a request or a server setting is refused
    ├── RunError        (RuntimeError)       a run folder is locked, damaged or of another plan
    ├── RegistryError   (RuntimeError)       a registry of models is in use, damaged, or refuses a change
    ├── SealError       (RuntimeError)       a test part was about to be used for a choice
    └── MissingExtra    (ImportError)        an optional dependency is not installed

To add a branch: derive from `TunewrightError` and the fitting stdlib type, draw it above, give it an exit code if the
command line treats it specially. Wording of a message: *what must hold. What we got, and where. What to do.*
"""

from __future__ import annotations

from typing import ClassVar


class TunewrightError(Exception):
    """Root of the tree; `exit_code` is what the command line returns for it.

    >>> import pickle
    >>> pickle.loads(pickle.dumps(DataError("A table needs rows. Got none."))).args
    ('A table needs rows. Got none.',)
    """

    exit_code: ClassVar[int] = 1


class PlanError(TunewrightError, ValueError):
    """A plan or an option is wrong."""

    exit_code = 2


class DataError(TunewrightError, ValueError):
    """The data cannot be used as it is."""

    exit_code = 3


class ModelError(TunewrightError, ValueError):
    """A backbone or a bundle is damaged, hostile or unsuited."""


class TrainingError(TunewrightError, RuntimeError):
    """Training cannot go on."""


class ExportError(TunewrightError, RuntimeError):
    """What was written does not answer as what was trained."""


class ServingError(TunewrightError, RuntimeError):
    """A request or a server setting is refused."""


class RunError(TunewrightError, RuntimeError):
    """A run folder is locked, damaged or belongs to another plan."""


class RegistryError(TunewrightError, RuntimeError):
    """A registry of models is in use, damaged, or refuses a change."""


class SealError(TunewrightError, RuntimeError):
    """A test part was about to be used for a choice."""


class MissingExtra(TunewrightError, ImportError):
    """An optional dependency is not installed; the message prints the install line."""
