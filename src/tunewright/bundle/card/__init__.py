"""The model card: `README.md` of a bundle, with the YAML header that model hubs read.

Everything in it comes from one record, `Evidence`, which lies beside it as evidence.json for machines.

Source: Mitchell et al. (2019), Model cards for model reporting; the header is that of the Hugging Face hub.
"""

from __future__ import annotations

from tunewright.bundle.card.header import header
from tunewright.bundle.card.markdown import prose
from tunewright.bundle.card.sections import SECTIONS
from tunewright.records import Evidence

__all__ = ["model_card"]


def model_card(evidence: Evidence) -> str:
    """Write the card; it holds counts, names of columns and scores, never a row of the data.

    Args:
        evidence: what is known of the model.
    """
    lines = [*header(evidence), f"# {prose(evidence.name)}", "", prose(evidence.verdict.text), ""]
    for title, section in SECTIONS:
        told = section(evidence)
        if told:
            lines += [f"## {title}", "", *told, ""]
    return "\n".join(lines)
