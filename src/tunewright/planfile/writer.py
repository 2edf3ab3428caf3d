"""Options dataclasses to YAML text that reads back to equal ones."""

from __future__ import annotations

from typing import Any

from tunewright.records import to_json

_TEXT_TAG = "tag:yaml.org,2002:str"


def write_yaml(record: Any) -> str:
    r"""Write a dataclass as block YAML, keys in the order of its fields.

    Texts that YAML, in any of its versions, could take for something else (`no`, `null`, the empty text) are quoted.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Knobs:
    ...     epochs: int = 4
    ...     words: tuple[str, ...] = ("no", "yes, sir")
    >>> print(write_yaml(Knobs()), end="")
    epochs: 4
    words:
    - 'no'
    - yes, sir
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Its own class, so that the representer below is nobody else's."""

    Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar(_TEXT_TAG, text, _style(text)))
    # Line folding would spread one text over several lines; a plan is read by people, one value a line.
    text: str = yaml.dump(
        to_json(record),
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=float("inf"),
    )
    return text


def _style(text: str) -> str | None:
    # PyYAML writes some line breaks (U+0085, U+2028) raw into other styles, where they read back as spaces.
    return '"' if len((text + ".").splitlines()) > 1 else None
