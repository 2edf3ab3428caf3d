"""Texts through wrong encodings, with markup or unseen characters."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.detectors.damage import CONTROL, LOST, MARKUP, MOJIBAKE, UNSEEN, damaged
from tunewright.detectors.encoding_damage import EncodingDamage

WORDS = [
    "naïve",
    "Müller",
    "São Paulo",
    "“quoted”",
    "it’s",
    "œuvre",
    "price: 5 €",
    "Привет",
    "Ελλάδα",
    "日本語",
    "😀",
    "½ °C",
]
USUAL = [
    "SÃO PAULO, NÃO", "JOSÉ”", "»Spaß«", "IRMÃ – MÃE", "då…”", "é…»", "CHÂTEAU", "Â", "Â, Ã", "ÀÉÎÖÜ", "école’s",
    "à « Paris »", "ÑANDÚ…", "x ≤ 5 & y > 3", "a<b and c>d", "AT&T; R&D", "naïve café", "Straße", "Привет, мир",
    "日本語",
    "İstanbul", "mà”", "50 % © 2020 ® ™", "über–alles", "5 Å² and 3 Å", "Ångström", "ÄÖÜ ÄÄ ÅÅ",
    "ça—là", "<3 <- -> <<5*3=15>>", "List<int>",
]  # fmt: skip


@pytest.mark.parametrize("codec", ["cp1252", "latin-1"])
@pytest.mark.parametrize("word", WORDS)
def test_utf8_read_as_something_else_is_told(word, codec):
    broken = "".join(bytes([b]).decode(codec, "ignore") or chr(b) for b in f"so {word} here".encode())
    assert damaged(pl.Series([broken, word]), MOJIBAKE).to_list() == [True, False]


def test_usual_writing_is_no_damage():
    texts = pl.Series(USUAL)
    for damage in (MOJIBAKE, LOST, CONTROL, UNSEEN, MARKUP):
        assert texts.filter(damaged(texts, damage)).to_list() == []


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="äöüéèçñßåøœ", min_size=2, max_size=6))
def test_any_broken_word_of_accented_letters_is_told(word):
    broken = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in word.encode())
    assert damaged(pl.Series([broken]), MOJIBAKE)[0]


@pytest.mark.parametrize(
    ("text", "damage"),
    [
        ("lost \ufffd here", LOST),
        ("that\x92s", CONTROL),
        ("bell \x07", CONTROL),
        ("zero\u200bwidth", UNSEEN),
        ("pay\u200dment", UNSEEN),
        ("soft\u00adhyphen", UNSEEN),
        ("a<br />b", MARKUP),
        ("<p class='x'>words</p>", MARKUP),
        ("fish &amp; chips", MARKUP),
        ("it&#39;s", MARKUP),
        ("&lt;#&gt;", MARKUP),
    ],
)
def test_other_damage(text, damage):
    marked = [one for one in (MOJIBAKE, LOST, CONTROL, UNSEEN, MARKUP) if damaged(pl.Series([text]), one)[0]]
    assert marked == [damage]


def test_joiners_within_emoji_and_other_scripts_are_seen():
    assert not damaged(pl.Series(["👩\u200d💻", "می\u200cخواهم", "line\nbreak\tand tab"]), UNSEEN).any()
    assert not damaged(pl.Series(["line\nbreak\tand tab\r\n"]), CONTROL).any()


def table(changes, n=100, **columns):
    texts = [f"an ordinary message about thing {i}" for i in range(n)]
    for row, text in changes.items():
        texts[row] = text
    return pl.DataFrame({"text": texts, "y": ["a", "b"] * (n // 2)} | columns)


def test_the_worst_text_comes_first_and_evidence_shows_one_place(pose):
    (finding,) = EncodingDamage().find(pose(table({7: "one cafÃ© here", 3: "donâ€™t, canâ€™t, wonâ€™t"})))
    assert finding.rows == (3, 7) and finding.scores == (3.0, 1.0)
    assert finding.severity == "info" and finding.remedy == "normalise_text"
    told = "2 of 100 rows hold text that was read in a wrong encoding in 'text', as in 'donâ€™t'; "
    told += "it is put right where text is cleaned."
    assert finding.evidence == told


def test_what_cleaning_takes_out_is_only_worth_knowing(pose):
    (finding,) = EncodingDamage().find(pose(table({i: f"line {i}<br />2 end" for i in range(40)})))
    assert finding.severity == "info" and finding.remedy == "normalise_text"
    assert finding.evidence.endswith("as in '<br />'; the cleaning of text takes it out.")


def test_one_or_two_trifles_are_not_told(pose):
    assert EncodingDamage().find(pose(table({1: "a<br>b", 2: "x\u200by words of a text"}))) == ()


def test_columns_share_a_finding(pose):
    places = ["MÃ¼nchen" if i % 9 == 0 else "Rom" for i in range(100)]
    (finding,) = EncodingDamage().find(pose(table({1: "cafÃ©"}, place=places)))
    assert finding.columns == ("text", "place") and finding.rows_total == 13
