"""A small client for `tunewright serve`, on the standard library alone.

>>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
...     client.predict([{"message": "My invoice is wrong again"}])[0].prediction
'billing'
"""

from __future__ import annotations

import http.client
import json
import math
import random
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from tunewright.errors import ServingError

__all__ = ["Client", "Prediction", "RequestRefused"]

LARGEST = 64 << 20  # bytes of an answer
AGAIN = (429, 503)  # statuses that say: later


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One row's answer.

    Args:
        prediction: the label (several, joined with "|", where a row may have several), or a number.
        confidence: probability of the label; None for a regression.
        probabilities: by label; empty for a regression.
        low: lower end of the 90 % prediction interval of a regression, or None.
        high: its upper end.
        set: labels one of which is the true one in 90 % of the rows; empty where the model does not say.
    """

    prediction: str | float
    confidence: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    set: tuple[str, ...] = ()


class RequestRefused(ServingError):
    """The server has refused a request.

    Args:
        status: of HTTP.
        message: the server's.
        problems: what is wrong where: objects with `row`, `column` and `what`.
        retry_after: seconds after which it may go better, or None.
    """

    def __init__(
        self,
        status: int,
        message: str,
        problems: Sequence[Mapping[str, Any]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, message, problems, retry_after)
        self.status = status
        self.message = message
        self.problems = tuple(problems)
        self.retry_after = retry_after

    def __str__(self) -> str:
        places = "; ".join(f"row {one.get('row')}, {one.get('column')}: {one.get('what')}" for one in self.problems[:5])
        return f"{self.message} {places}".strip()


class Client:
    """Asks one server, over one connection that is kept; not to be shared between threads.

    Args:
        url: of the server, such as `http://127.0.0.1:8000`.
        token: that the server asks for, or None.
        model: the model to ask; None: the server's default.
        timeout: seconds for one call with all its attempts; the server is told, and refuses what it cannot do in them.
        attempts: how often a request is sent where the server says "later" or the connection breaks before an answer;
            a prediction changes nothing, so that sending it again does no harm.

    Raises:
        ServingError: the URL is none.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        model: str | None = None,
        timeout: float = 10.0,
        attempts: int = 3,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ServingError("A server's URL must be http://HOST:PORT or https://HOST:PORT. Correct it.")
        self.timeout = timeout
        self.attempts = attempts
        self._parts = parts
        self._token = token
        self._model = model
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def predict(self, rows: Sequence[Mapping[str, Any] | str]) -> list[Prediction]:
        """Predict for rows: objects by column name, or texts where the model reads one text and nothing else.

        Raises:
            RequestRefused: the server refused; rows that do not fit are named in `problems`.
            ServingError: no answer came.
        """
        return _predictions(self._ask("POST", self._where("/predict"), {"rows": list(rows)}))

    def predict_columns(self, columns: Mapping[str, Sequence[Any]]) -> list[Prediction]:
        """The same for columns of equal length.

        Raises:
            RequestRefused: the server refused.
            ServingError: no answer came.
        """
        lists = {name: list(values) for name, values in columns.items()}
        return _predictions(self._ask("POST", self._where("/predict"), {"columns": lists}))

    def explain(self, row: Mapping[str, Any] | str, *, label: str | None = None) -> Mapping[str, Any]:
        """Why a row gets its answer: `prediction`, `confidence`, `tokens` and `columns` with their weights.

        Args:
            row: an object, or a text.
            label: to explain in place of the one that is said.

        Raises:
            RequestRefused: the server refused, or does not explain.
            ServingError: no answer came.
        """
        body = {"rows": [row]} | ({} if label is None else {"label": label})
        found: Mapping[str, Any] = self._ask("POST", self._where("/explain"), body)["explanations"][0]
        return found

    def models(self) -> list[Mapping[str, Any]]:
        """What is served: names, versions, columns, labels.

        Raises:
            RequestRefused: the server refused.
            ServingError: no answer came.
        """
        found: list[Mapping[str, Any]] = self._ask("GET", "/models", None)["models"]
        return found

    def ready(self) -> bool:
        """Whether the server answers; False where there is none."""
        try:
            return self._once("GET", "/health/ready", None, time.monotonic() + self.timeout)[0] == 200
        except (OSError, http.client.HTTPException):
            self.close()
            return False

    def _where(self, path: str) -> str:
        return path if self._model is None else f"{path}?{urlencode({'model': self._model}, quote_via=quote)}"

    def _ask(self, method: str, path: str, body: Any) -> Any:
        end = time.monotonic() + self.timeout
        for attempt in range(1, self.attempts + 1):
            try:
                status, headers, data = self._once(method, path, body, end)
            except (OSError, http.client.HTTPException) as problem:
                self.close()
                if attempt == self.attempts or time.monotonic() >= end:
                    raise ServingError(
                        f"A server must answer at {self._address()}. It did not: {type(problem).__name__}. Start it, "
                        "or correct the URL."
                    ) from problem
                wait = 0.05 * 2**attempt
            else:
                refused = _refused(status, headers, data)
                if refused is None:
                    return json.loads(data)
                wait = refused.retry_after or 0.0
                if status not in AGAIN or attempt == self.attempts or time.monotonic() + wait >= end:
                    raise refused
            # Not all at once: those who were told the same would otherwise come back together.
            time.sleep(min(wait * random.uniform(1.0, 1.25), max(end - time.monotonic(), 0.0)))
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, body: Any, end: float) -> tuple[int, Mapping[str, str], bytes]:
        left = max(end - time.monotonic(), 0.001)
        headers = {"X-Timeout-Ms": str(max(math.floor(left * 1000), 1))}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body, allow_nan=False, default=_plain).encode()
        connection = self._open(left)
        connection.request(method, self._parts.path.rstrip("/") + path, body=payload, headers=headers)
        answer = connection.getresponse()
        data = answer.read(LARGEST + 1)
        if len(data) > LARGEST:
            self.close()
            raise ServingError(f"An answer must have at most {LARGEST:,} bytes. This one has more. Send fewer rows.")
        if answer.will_close:
            self.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data

    def _open(self, seconds: float) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=seconds)
        self._connection.timeout = seconds
        if self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)
        return self._connection

    def _address(self) -> str:
        return f"{self._parts.scheme}://{self._parts.netloc}"


def _predictions(value: Mapping[str, Any]) -> list[Prediction]:
    return [
        Prediction(
            prediction=one["prediction"],
            confidence=one.get("confidence"),
            probabilities=one.get("probabilities") or {},
            low=one.get("low"),
            high=one.get("high"),
            set=tuple(one.get("set") or ()),
        )
        for one in value["predictions"]
    ]


def _refused(status: int, headers: Mapping[str, str], data: bytes) -> RequestRefused | None:
    if status == 200:
        return None
    try:
        error = json.loads(data)["error"]
        message, problems = str(error["message"]), error["problems"]
    except (ValueError, KeyError, TypeError):  # something between us and the server has answered
        message, problems = f"The server answered with status {status}.", ()
    after = headers.get("retry-after", "")
    return RequestRefused(status, message, problems, float(after) if after.isdigit() else None)


def _plain(value: Any) -> Any:
    """Numbers of numpy, dates and times, as JSON has them."""
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat(sep=" ") if hasattr(value, "hour") else value.isoformat()
    raise TypeError(f"A cell must be a text, a number, a truth, a date or None. Got {type(value).__name__}.")
