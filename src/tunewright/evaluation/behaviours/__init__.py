"""Behaviours that a model has to show: must-have answers, what must not change an answer, what must push it one way.

Written down by somebody who knows the field, run on every evaluation, and listed as passed or failed with examples.
Source: Ribeiro et al. (2020), Beyond accuracy: behavioral testing of NLP models with CheckList, ACL.
"""

from tunewright.evaluation.behaviours.checking import check_behaviours
from tunewright.evaluation.behaviours.kinds import Behaviour, Direction, Invariance, Must
from tunewright.evaluation.behaviours.reading import behaviours_from_json, behaviours_to_json, read_behaviours
from tunewright.evaluation.behaviours.results import BehaviourFailure, BehaviourResult, without_rows
from tunewright.evaluation.behaviours.running import run_behaviours

__all__ = [
    "Behaviour",
    "BehaviourFailure",
    "BehaviourResult",
    "Direction",
    "Invariance",
    "Must",
    "behaviours_from_json",
    "behaviours_to_json",
    "check_behaviours",
    "read_behaviours",
    "run_behaviours",
    "without_rows",
]
