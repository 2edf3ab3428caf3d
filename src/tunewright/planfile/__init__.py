"""YAML to options dataclasses and back; knows their types, and nothing of what they are for."""

from tunewright.planfile.checks import Check, above, at_least, between, matches
from tunewright.planfile.convert import as_tree, convert
from tunewright.planfile.overrides import apply_overrides, merge
from tunewright.planfile.problems import Problem, lies_at, name_overrides, plan_error, show
from tunewright.planfile.reader import read_yaml
from tunewright.planfile.reference import Key, list_keys, summary
from tunewright.planfile.writer import write_yaml

__all__ = [
    "Check",
    "Key",
    "Problem",
    "above",
    "apply_overrides",
    "as_tree",
    "at_least",
    "between",
    "convert",
    "lies_at",
    "list_keys",
    "matches",
    "merge",
    "name_overrides",
    "plan_error",
    "read_yaml",
    "show",
    "summary",
    "write_yaml",
]
