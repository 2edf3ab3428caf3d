"""Texts in another language than the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.detectors.function_words import WORDS, telling
from tunewright.detectors.rows import Rows
from tunewright.records import Finding

CHUNK = 100_000  # texts cut into words at once
SCRIPTS = {
    "Latin": r"\p{Latin}",
    "Cyrillic": r"\p{Cyrillic}",
    "Greek": r"\p{Greek}",
    "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}",
    "Devanagari": r"\p{Devanagari}",
    "Bengali": r"\p{Bengali}",
    "Tamil": r"\p{Tamil}",
    "Thai": r"\p{Thai}",
    "Korean": r"\p{Hangul}",
    "Chinese or Japanese": r"[\p{Han}\p{Hiragana}\p{Katakana}]",
    "Georgian": r"\p{Georgian}",
    "Armenian": r"\p{Armenian}",
}
FEW = 15  # Latin letters among texts of another script may be names of things
_DENSE = ("Korean", "Chinese or Japanese")  # two signs are a word


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageMix:
    """Report texts whose script, or whose small words, are of another language than those of most texts.

    A text is of another script where that has over half of its letters. Among texts of one script, one of another
    language has at least `surplus` more different small words of that language than of the usual one; or, from five
    words on, none of the usual one and nearly as many of the other, where letters beyond A to Z and words that occur by
    accident count half; or none and every other word. Most names and short titles are not told apart.

    Cost: each text is cut into words once; n words are joined with a list of a thousand.

    Args:
        surplus: small words of the other language beyond those of the usual one.
        share: of the rows; from there on it is a warning.
    """

    kind: ClassVar[str] = "language_mix"
    surplus: int = 3
    share: float = 0.01

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        names = [column.name for column in rows.table.columns if column.kind == "text" and column.role == "feature"]
        found = [self._look(rows, name) for name in names]
        return tuple(finding for finding in found if finding is not None)

    def _look(self, rows: Rows, name: str) -> Finding | None:
        texts = pl.DataFrame({"row": rows.used, "text": rows.typed[name][rows.used]}).drop_nulls()
        seen = pl.col("row").is_in(rows.seen)
        if not texts.select(seen.any()).item():
            return None
        told = _scripts(texts)
        script = _most(told.filter(seen), "script")
        other = pl.col("script").is_not_null() & (pl.col("script") != script)
        brand = (pl.col("script") == "Latin") & (pl.col("signs") < FEW)
        foreign = told.filter(other & ~brand).select("row", language="script", score="portion")
        language = None
        if script == "Latin":
            rest = texts.join(foreign, on="row", how="anti")
            hits = _word_hits(rest)
            language = _usual(hits.filter(seen))
            if language is not None:
                foreign = pl.concat([foreign, self._by_words(hits, rest, language)])
        if not foreign.height:
            return None
        return self._finding(
            foreign.sort("score", "row", descending=[True, False]), texts.height, name, language or script
        )

    def _by_words(self, hits: pl.DataFrame, texts: pl.DataFrame, usual: str) -> pl.DataFrame:
        """Rows whose small words are of another language; `hits` are the small words of the rows of `texts`."""
        known = pl.DataFrame(
            [(word, name, loud) for name in WORDS if name != usual for word, loud in telling(name, usual).items()],
            schema=["word", "language", "loud"],
            orient="row",
        )
        other = (
            hits.join(known, on="word")
            .group_by("row", "language")
            .agg(
                strong=(pl.col("loud") == 1).sum().cast(pl.Int64),
                loud=pl.col("loud").sum(),
                words=pl.col("words").first(),
            )
        )
        other = other.filter(pl.col("strong") >= 1).sort("loud", "language", descending=[True, False])
        best = other.unique("row", keep="first", maintain_order=True)
        mine = [(word, name) for name in WORDS for word in WORDS[usual] - WORDS[name]]
        own = hits.join(best.select("row", "language"), on="row").join(
            pl.DataFrame(mine, schema=["word", "language"], orient="row"), on=["word", "language"]
        )
        signs = texts.select("row", signs=pl.col("text").str.count_matches(r"[\p{L}--\p{ASCII}]").clip(0, 3))
        both = best.join(own.group_by("row").agg(own=pl.len().cast(pl.Int64)), on="row", how="left")
        both = both.with_columns(pl.col("own").fill_null(0)).join(signs, on="row")
        clear = pl.col("strong") - pl.col("own") >= self.surplus
        alone = (pl.col("own") == 0) & (pl.col("words") >= 5)
        loud = (pl.col("loud") + pl.col("signs") / 2 >= self.surplus - 0.5) | (pl.col("loud") >= 0.5 * pl.col("words"))
        score = pl.col("loud") / (pl.col("loud") + pl.col("own") + 1)
        return both.filter(clear | (alone & loud)).select("row", "language", score=score)

    def _finding(self, foreign: pl.DataFrame, texts: int, name: str, usual: str | None) -> Finding:
        counts = foreign["language"].value_counts().sort("count", "language", descending=[True, False]).rows()
        listed = ", ".join(f"{language} ({count:,})" for language, count in counts[:5])
        more = ", …" if len(counts) > 5 else ""
        verb = "is" if foreign.height == 1 else "are"
        share = foreign.height / texts
        return Finding(
            kind=self.kind,
            severity="warning" if share >= self.share else "info",
            evidence=f"{foreign.height:,} of {texts:,} texts in {name!r} {verb} not in the language of most, {usual}: "
            f"{listed}{more}.",
            columns=(name,),
            rows=tuple(foreign["row"].to_list()),
            rows_total=foreign.height,
            score=share,
            scores=tuple(foreign["score"].round(4).to_list()),
        )


def _scripts(texts: pl.DataFrame) -> pl.DataFrame:
    """The script of over half of a text's letters, their portion and number; null where none is clear."""
    plain = texts.filter(~pl.col("text").str.contains(r"[^\x00-\x7f]"))
    other = texts.filter(pl.col("text").str.contains(r"[^\x00-\x7f]"))
    counts = other.select(
        "row", *[pl.col("text").str.count_matches(sign).alias(name) for name, sign in SCRIPTS.items()]
    )
    signs = counts.select(list(SCRIPTS)).to_numpy().astype(np.float64)
    place = signs.argmax(1) if len(signs) else np.zeros(0, np.int64)
    most = signs.max(1, initial=0)
    portion = most / np.maximum(signs.sum(1), 1)
    names = np.array(list(SCRIPTS))
    enough = np.where(np.isin(names, _DENSE), 2, 4)[place]
    clear = (portion > 0.5) & (most >= enough)
    told = counts.select(
        "row",
        script=pl.Series(
            [str(name) if sure else None for name, sure in zip(names[place], clear, strict=True)], dtype=pl.String
        ),
        portion=pl.Series(portion),
        signs=pl.Series(most),
    )
    letters = pl.col("text").str.count_matches("[A-Za-z]").cast(pl.Float64)
    latin = plain.select("row", script=pl.when(letters >= 4).then(pl.lit("Latin")), portion=pl.lit(1.0), signs=letters)
    return pl.concat([told, latin])


def _word_hits(texts: pl.DataFrame) -> pl.DataFrame:
    """The different words of each text that are small words of any language, and how many words the text has."""
    known = pl.DataFrame({"word": sorted(set().union(*WORDS.values()))})
    parts = []
    for start in range(0, max(texts.height, 1), CHUNK):
        lowered = pl.col("text").str.to_lowercase().str.replace_all("’", "'", literal=True)
        cut = texts[start : start + CHUNK].select("row", word=lowered.str.extract_all(r"\p{L}+(?:'\p{L}+)?"))
        cut = cut.with_columns(words=pl.col("word").list.len().cast(pl.Int64))
        parts.append(cut.explode("word").join(known, on="word").unique())
    return pl.concat(parts)


def usual_language(texts: pl.Series, *, share: float = 0.2) -> str | None:
    """The language of most texts by their small words, or a script that says it; None where none is clearly spoken.

    Args:
        texts: of one column.
        share: of the texts that have to speak it clearly; short texts have no small words.

    >>> usual_language(pl.Series(["where is my parcel", "I do not have it", "x"])), usual_language(pl.Series(["baba"]))
    ('English', None)
    """
    rows = pl.DataFrame({"row": np.arange(len(texts)), "text": texts}).drop_nulls()
    script = _most(_scripts(rows), "script")
    if script != "Latin":
        return script
    spoken = _spoken(_word_hits(rows))
    usual = _most(spoken, "language")
    return usual if usual and (spoken["language"] == usual).sum() >= share * rows.height else None


def _usual(hits: pl.DataFrame) -> str | None:
    """The language in which most texts have the most small words; None where no language is clearly spoken."""
    return _most(_spoken(hits), "language")


def _spoken(hits: pl.DataFrame) -> pl.DataFrame:
    """The language of every row that clearly speaks one, by the small words in it."""
    by_language = pl.DataFrame(
        [(word, language) for language, words in WORDS.items() for word in words],
        schema=["word", "language"],
        orient="row",
    )
    counts = hits.join(by_language, on="word").group_by("row", "language").agg(count=pl.len())
    best = counts.filter((pl.col("count") == pl.col("count").max().over("row")) & (pl.col("count") >= 2))
    return best.filter(pl.len().over("row") == 1)


def _most(told: pl.DataFrame, column: str) -> str | None:
    counts = told[column].drop_nulls().value_counts(name="\0rows").sort("\0rows", column, descending=[True, False])
    return str(counts[column][0]) if counts.height else None
