"""The report: one self-contained HTML file that opens offline and says how good the model is, why, and against what."""

from __future__ import annotations

from tunewright.report.page import ReportData, render

__all__ = ["ReportData", "render"]
