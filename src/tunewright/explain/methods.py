"""The table of explanation methods."""

from __future__ import annotations

from tunewright.explain.gradients import IntegratedGradients
from tunewright.explain.occlusion import Occlusion

Explainer = Occlusion | IntegratedGradients
EXPLAINERS: tuple[Explainer, ...] = (Occlusion(), IntegratedGradients())


def explainer(kind: str) -> Explainer:
    """The method of that name.

    >>> explainer("occlusion").kind
    'occlusion'
    """
    return {one.kind: one for one in EXPLAINERS}[kind]
