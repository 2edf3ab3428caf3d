"""What goes wrong at a URL, said as: what must hold, what we got, what to do.

Storage libraries raise some forty exception types between them. They are told apart by what they derive from and by
name, so that none of these libraries has to be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tunewright.errors import MissingExtra, PlanError, TunewrightError
from tunewright.remote.urls import has_secrets, redacted, shown

EXTRAS = {"s3": "tunewright[s3]", "s3a": "tunewright[s3]", "gs": "gcsfs", "gcs": "gcsfs"}
MORE = {"abfs": "adlfs", "az": "adlfs", "abfss": "adlfs", "http": "fsspec[http]", "https": "fsspec[http]"}
_LONGEST = 200
_NETWORK = {
    "HTTPClientError",  # botocore: no route, no answer, a connection that ended
    "ClientConnectionError",  # aiohttp
    "ConnectionError",
    "TimeoutError",
    "FSTimeoutError",
    "gaierror",
}
_PERMISSION = {"PermissionError", "NoCredentialsError", "CredentialRetrievalError", "PartialCredentialsError"}
_PERMISSION |= {"DefaultCredentialsError", "NoAuthTokenError", "ProfileNotFound", "TokenRetrievalError"}


@contextmanager
def named(url: str, what: str, raising: type[TunewrightError]) -> Iterator[None]:
    """Turn whatever a storage library raises into one of our errors.

    Args:
        url: the place; shown without what is secret in it.
        what: must hold, as the first sentence of the message.
        raising: the error's type.
    """
    try:
        yield
    except (TunewrightError, MemoryError):
        raise
    except Exception as error:
        problem = raising(f"{what} {shown(url)}: {explained(error)}")
        # The cause names the URL in full, which a traceback would print.
        raise problem from (None if has_secrets(url) else error)


def explained(error: Exception) -> str:
    """What we got and what to do, for an exception of a storage library.

    >>> explained(FileNotFoundError("bucket/key"))
    'there is nothing there, no such bucket, folder or file. Check the URL.'
    >>> explained(ConnectionRefusedError("https://ann:secret@host/a"))[:46]
    'the storage did not answer (ConnectionRefusedE'
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = getattr(error, "status", None)
    if "FileNotFoundError" in kinds or status == 404:
        return "there is nothing there, no such bucket, folder or file. Check the URL."
    if kinds & _PERMISSION or status in (401, 403):
        return (
            "permission was denied. Put credentials that may use it into the environment "
            "(for s3: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        )
    if kinds & _NETWORK:
        name = type(error).__name__
        return f"the storage did not answer ({name}). Check the network and the endpoint, then run the same command."
    said = redacted(" ".join(str(error).split()))[:_LONGEST]
    name = type(error).__name__
    return f"{name}{f', {said}' if said else ''}. Check the URL and the storage's settings."


def not_installed(scheme: str) -> MissingExtra:
    """No library for a scheme.

    >>> str(not_installed("s3"))
    "s3:// URLs need a library that is not installed. Run: pip install 'tunewright[s3]'"
    """
    package = (EXTRAS | MORE).get(scheme, f"fsspec[{scheme}]")
    return MissingExtra(f"{scheme}:// URLs need a library that is not installed. Run: pip install '{package}'")


def unknown_scheme(scheme: str) -> PlanError:
    """A scheme that nobody knows."""
    return PlanError(
        f"A URL must begin with a scheme that fsspec knows, as s3://, gs://, abfs://, https:// or file://. "
        f"Got {scheme}://. Correct it, or give a path."
    )
