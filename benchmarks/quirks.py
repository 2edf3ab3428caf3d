"""The shared sets by what is known to be wrong with them as they are, and which of them thresholds were set on."""

from __future__ import annotations

import polars as pl
from sets import SHARED, Set

TUNED = ("snips", "titanic", "sms_spam", "googleplay", "emobank")
REPORTED = (
    "clinc150",
    "goemotions",
    "california_housing",
    "bike_sharing",
    "marvel_characters",
    "sts_captions_forums",
)
# Facts that are counted, not judged: they hold by what they say.
FACTS = {
    "duplicates",
    "near_duplicates",
    "conflicting_labels",
    "class_imbalance",
    "rare_class",
    "too_few",
    "empty_text",
    "truncated_text",
}
# A ranking of suspects: how right it is, is measured against people's votes elsewhere.
RANKED = {"label_errors"}
# What is known to be so of the sets as they are, from their description: kind and column, * for any.
KNOWN = {
    "snips": {("encoding", "*"), ("leakage_split", "*")},
    "titanic": {("id_column", "PassengerId"), ("outliers", "Fare")},
    "sms_spam": {("sensitive", "*"), ("encoding", "*")},
    "googleplay": {
        ("mixed_format", "Size"),
        ("mixed_format", "Installs"),
        ("mixed_format", "Price"),
        ("outliers", "Reviews"),
        ("outliers", "Price"),
        ("outliers", "Installs"),
        ("missing_values", "Size"),
        ("missing_values", "Current Ver"),
        ("missing_values", "Android Ver"),
        ("language_mix", "App"),
        ("encoding", "App"),
    },
    "emobank": {("leakage_split", "*")},
    "clinc150": {("leakage_split", "*")},
    "goemotions": {("leakage_split", "*")},
    "california_housing": {
        ("outliers", name) for name in ("total_rooms", "total_bedrooms", "population", "households", "median_income")
    },
    "bike_sharing": {
        ("leakage_target", "casual"),
        ("leakage_target", "registered"),
        ("id_column", "instant"),
        ("mixed_format", "dateday"),
        ("time_drift", "*"),
    },
    "marvel_characters": {("id_column", "page_id"), ("id_column", "urlslug"), ("outliers", "APPEARANCES")},
    "sts_captions_forums": {("split_shift", "*"), ("leakage_split", "*")},
}


def bike_sharing() -> pl.DataFrame:
    return pl.read_csv(SHARED / "bike_sharing/hour.csv.gz", infer_schema=False)


def marvel_characters() -> pl.DataFrame:
    """Rows with a target; a quarter has none."""
    frame = pl.read_csv(SHARED / "marvel_characters/marvel-wikia-data.csv.gz", infer_schema=False)
    return frame.filter(pl.col("ALIGN").is_not_null())


MORE = (
    Set(name="bike_sharing", load=bike_sharing, target="count", metric="r2"),
    Set(name="marvel_characters", load=marvel_characters, target="ALIGN", metric="f1_macro"),
)


def unknown(name, result):
    """Findings on the set as it is that are neither facts nor known to be so."""
    known = KNOWN.get(name, set())
    out = []
    for finding in result["findings"]:
        kind, columns = finding["kind"], finding["columns"] or [""]
        expected = any((kind, column) in known for column in (*columns, "*"))
        counted = kind == "missing_values" and set(columns) <= set(result["empty"])
        if not (kind in FACTS | RANKED or expected or counted):
            out.append(finding)
    return out
