"""A second planter: the same sorts of faults as `tunewright.planting`, by other mechanisms, in other shares.

Written apart from the first, with nothing of it but the form (`About`, `Planted`), so that detectors are not measured
by the planter that their authors tried them on: labels go to the class mean nearest to the row, or are exchanged in
pairs; copies are put in at random places; gaps come in runs; formats follow a locale; rows move to the right.
"""

from __future__ import annotations

import second_cells as cells
import second_columns as columns
import second_rows as rows
from second_form import Second


def changing(share, change):
    """A fault that changes a share of the texts of a column."""
    return lambda frame, about, rng: cells.retold(frame, about, rng, share, change)


FAULTS = (
    Second(name="flips_nearest_mean", kind="label_errors", touches="target", make=rows.flips_nearest_mean,
           also=("conflicting_labels",)),
    Second(name="flips_exchanged", kind="label_errors", touches="target", make=rows.flips_exchanged,
           also=("conflicting_labels",)),
    Second(name="label_of_another_system", kind="label_format", touches="target", make=rows.label_of_another_system,
           also=("rare_class", "class_imbalance", "label_errors", "conflicting_labels")),
    Second(name="copies_inserted", kind="duplicates", touches="copies", make=rows.copies_inserted,
           also=("near_duplicates",)),
    Second(name="copies_cased", kind="near_duplicates", touches="copies", make=rows.copies_cased),
    Second(name="copies_contradicting", kind="conflicting_labels", touches="copies", make=rows.copies_contradicting,
           also=("duplicates", "near_duplicates", "label_errors")),
    Second(name="gaps_in_runs", kind="missing_values", touches="cells", make=cells.gaps_in_runs,
           also=("time_drift", "split_shift")),
    Second(name="stand_ins", kind="missing_values", touches="cells", make=cells.stand_ins,
           also=("outliers", "mixed_format")),
    Second(name="thousandfold", kind="outliers", touches="cells", make=cells.thousandfold),
    Second(name="numbers_of_a_locale", kind="mixed_format", touches="cells", make=cells.numbers_of_a_locale,
           also=("missing_values", "outliers")),
    Second(name="dates_of_a_locale", kind="mixed_format", touches="cells", make=cells.dates_of_a_locale,
           also=("missing_values", "time_drift", "split_shift")),
    Second(name="rows_to_the_right", kind="shifted_row", touches="shape", make=cells.rows_to_the_right,
           also=("mixed_format", "missing_values", "outliers", "empty_text", "truncated_text")),
    Second(name="nothing_said", kind="empty_text", touches="text", make=changing(0.02, cells.nothing_said),
           also=("missing_values", "duplicates", "conflicting_labels")),
    Second(name="damaged", kind="encoding", touches="text", make=changing(0.01, cells.damaged), also=("language_mix",)),
    Second(name="in_italian_and_others", kind="language_mix", touches="text", make=cells.in_italian_and_others,
           also=("duplicates", "near_duplicates", "conflicting_labels", "label_errors", "outliers")),
    Second(name="signed", kind="sensitive", touches="text", make=changing(0.02, cells.signed)),
    Second(name="flag_with_gaps", kind="constant_column", of="columns", touches="column", make=columns.flag_with_gaps,
           also=("missing_values",)),
    Second(name="case_number", kind="id_column", of="columns", touches="column", make=columns.case_number),
    Second(name="told_by_rank", kind="leakage_target", of="columns", touches="leak", make=columns.told_by_rank),
    Second(name="told_by_a_tag", kind="leakage_target", of="columns", touches="leak", make=columns.told_by_a_tag),
    Second(name="told_by_three_parts", kind="leakage_target", of="columns", touches="leak",
           make=columns.told_by_three_parts),
    Second(name="told_by_being_there", kind="leakage_target", of="columns", touches="leak",
           make=columns.told_by_being_there, also=("missing_values",)),
    Second(name="overlap_cased", kind="leakage_split", touches="copies", make=rows.overlap_cased,
           also=("duplicates", "near_duplicates")),
    Second(name="other_test_part", kind="split_shift", of="columns", touches="shape", make=columns.other_test_part,
           also=("time_drift", "outliers", "near_duplicates")),
    Second(name="sudden_change", kind="time_drift", of="columns", touches="shape", make=columns.sudden_change,
           also=("split_shift", "outliers", "near_duplicates")),
)  # fmt: skip
