"""Pages that load nothing from elsewhere: the one to try a model with, and the description of the API.

The policy allows one script and one style, by their SHA-256, and requests to this server only. What a model or a row
says is put in as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from starlette.responses import Response

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)
_STYLE = re.compile(r"<style>(.*?)</style>", re.S)


def page() -> Response:
    """The page to try a model with; it holds nothing of a model, and asks the server for what it shows."""
    return _served(_template("page.html"))


def docs(description: Mapping[str, Any]) -> Response:
    """Every path of an OpenAPI description, what it takes and what it answers."""
    sections = "".join(
        _operation(where, method, operation)
        for where, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f"<h3 id='schema-{html.escape(name)}'>{html.escape(name)}</h3><pre>{_json(schema)}</pre>"
        for name, schema in description["components"]["schemas"].items()
    )
    return _served(_template("docs.html").replace("<!--paths-->", sections).replace("<!--schemas-->", schemas))


@cache
def _template(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


def _served(text: str) -> Response:
    return Response(text, media_type="text/html", headers={"Content-Security-Policy": policy(text)})


def policy(text: str) -> str:
    """The content security policy of a page: its own script and style, and this server."""
    scripts = " ".join(_digest(found) for found in _SCRIPT.findall(text)) or "'none'"
    styles = " ".join(_digest(found) for found in _STYLE.findall(text)) or "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _operation(where: str, method: str, operation: Mapping[str, Any]) -> str:
    said = html.escape(str(operation.get("description") or operation.get("summary") or ""))
    takes = "".join(
        f"<li><code>{html.escape(one['name'])}</code> ({html.escape(one['in'])}) "
        f"{html.escape(one.get('description', ''))}</li>"
        for one in operation.get("parameters", ())
    )
    named = _named(operation.get("requestBody", {}))
    body = f"<p>Takes a {named}.</p>" if named else ""
    answers = "".join(
        f"<tr><td>{html.escape(str(status))}</td><td>{html.escape(one.get('description', ''))}</td>"
        f"<td>{_named(one)}</td></tr>"
        for status, one in operation["responses"].items()
    )
    return (
        f"<section><h2><b>{html.escape(method.upper())}</b> <code>{html.escape(where)}</code></h2><p>{said}</p>{body}"
        f"<ul>{takes}</ul><table><tbody>{answers}</tbody></table></section>"
    )


def _named(holder: Mapping[str, Any]) -> str:
    """A link to the schema of a body."""
    schema = holder.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    name = html.escape(schema.rpartition("/")[2])
    return f"<a href='#schema-{name}'>{name}</a>" if name else ""


def _json(value: Any) -> str:
    return html.escape(json.dumps(value, indent=2, ensure_ascii=False))
