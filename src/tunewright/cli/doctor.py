"""`tunewright doctor`: the machine, what will be used, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption


def verb(json: JsonOption = False, quiet: QuietOption = False) -> Answer:
    """Look at this machine: what a run would use, and what is missing. Exits with 1 where a run cannot work."""
    from tunewright.stories.doctor import examine

    found = examine()
    return Answer(value=found, text=_text(found), code=0 if found["ok"] else 1)


def _text(found: Mapping[str, Any]) -> str:
    from tunewright.cli.text import table

    machine, cache, model = found["machine"], found["cache"], found["model"]
    rows = [
        ("machine", f"{machine['cores']} cores, {machine['memory_gb']} GB ({machine['memory_free_gb']} GB free)"),
        ("GPU", machine["cuda"] or "none"),
        ("precision", f"{found['precision']['precision']}: {found['precision']['why']}"),
        ("model", f"minilm: {model['state']}"),
        ("cache", f"{cache['folder']}: {cache['mb']} MB, {'writable' if cache['writable'] else 'NOT writable'}"),
        ("libraries", ", ".join(f"{name} {version}" for name, version in found["libraries"].items())),
    ]
    optional = [
        (name, f"{extra['version']}" if extra["version"] else f"not installed: {extra['install']}")
        for name, extra in found["extras"].items()
    ]
    problems = [f"PROBLEM  {text}" for text in found["problems"]]
    return "\n".join(
        [table(rows), "", "Optional, needed by nothing above", table(optional), "", found["uses"], *problems]
    )
