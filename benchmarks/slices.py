"""Planted slices of errors: how many of ten rows that a slicer names are in the planted slice; and false alarms.

Into the out-of-fold mistakes of a simple model a slice of errors is planted. Every slicer reports up to ten groups of
rows. Scored as by Eyuboglu et al. (2022), Domino: Discovering systematic errors with cross-modal embeddings: of the
reported group that fits the planted slice best, the share of planted rows among its first ten rows.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import zlib
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
from common import HERE, Failed, cached, digest, judged, options, report, run_json
from slice_planter import COLUMNS, NAMES, TEXTS, kinds_of, mistakes_of, plant
from venvs import PEERS, PINS, python_of

import tunewright.analysis
from tunewright.analysis.facts import facts_of
from tunewright.analysis.slicing import FEWEST, FEWEST_SHARE, discover

FOLDER = PEERS / "slices"
MOST = TEN = 10
WORDS = 150  # most frequent words that a tree is given
GOAL = 10.0
SLICERS = ("ours", "tree", "tree + text", "sliceline")
PEER_NAMES = SLICERS[1:]


def cases_of(name, given):
    """Planted cases of a set: every kind, several seeds."""
    mistakes = mistakes_of(name, given.rows or 1500)
    for kind in kinds_of(mistakes):
        for seed in range(given.seeds):
            rng = np.random.default_rng([seed, zlib.crc32(f"{name} {kind}".encode())])
            planted = plant(mistakes, kind, rng)
            if planted is not None:
                yield seed, planted


def fewest_of(n):
    return max(FEWEST, int(np.ceil(FEWEST_SHARE * n)))


def by_ours(mistakes):
    facts = facts_of(mistakes.frame, mistakes.table, vectors=mistakes.vectors)
    found = discover(facts, mistakes.errors)
    return [one.mask for one in found.found], [str(one.slicing) for one in found.found]


def raw_columns(mistakes, *, text):
    """(n, c) numbers for the peers: numbers, category codes by frequency; with `text` measures and frequent words."""
    facts = facts_of(mistakes.frame, mistakes.table)
    names = set(mistakes.columns("text"))
    numbers = [x for fact, x in facts.numbers.items() if text or fact.column not in names]
    categories = []
    for cells in facts.values.values():
        often = [value for value, _ in sorted(cells.drop_nulls().value_counts().rows(), key=lambda row: -row[1])[:50]]
        codes = {value: place for place, value in enumerate(often)}
        categories.append(np.array([codes.get(cell, -1) for cell in cells], float))
    words = frequent_words(facts) if text else []
    return numbers, categories, words


def frequent_words(facts):
    found = []
    for spaced in facts.spaced.values():
        cells = [set(text.split()) for text in spaced]
        count = defaultdict(int)
        for cell in cells:
            for word in cell:
                count[word] += 1
        often = sorted(count, key=lambda word: (-count[word], word))[:WORDS]
        found += [np.array([word in cell for cell in cells], float) for word in often]
    return found


def by_tree(mistakes, *, text):
    """The ten leaves with the greatest mean error of a tree that may cut as often as leaves stay large enough."""
    from sklearn.tree import DecisionTreeRegressor

    numbers, categories, words = raw_columns(mistakes, text=text)
    hot = [np.where(codes == code, 1.0, 0.0) for codes in categories for code in np.unique(codes)]
    columns = [*numbers, *hot, *words]
    if not columns:
        return []
    x, errors = np.stack(columns, 1), mistakes.errors
    tree = DecisionTreeRegressor(min_samples_leaf=fewest_of(len(x)), max_leaf_nodes=64, random_state=0).fit(x, errors)
    leaf = tree.apply(x)
    order = sorted(np.unique(leaf), key=lambda one: -errors[leaf == one].mean())
    return [leaf == one for one in order[:MOST]]


def write_case(mistakes, path):
    """For sliceline: raw columns, numbers in tenths, categories, as codes from 1; False where all is text."""
    numbers, categories, _ = raw_columns(mistakes, text=False)
    columns = [np.searchsorted(np.unique(np.nanquantile(x, np.arange(0.1, 1, 0.1))), x) + 1 for x in numbers]
    columns += [codes + 2 for codes in categories]
    if not columns:
        return False
    codes = np.stack(columns, 1).astype(np.int64)
    np.savez(path, codes=codes, errors=mistakes.errors, fewest=fewest_of(len(codes)))
    return True


def by_sliceline(files):
    """Seconds, version; masks lie beside the files. Conjunctions of two, as ours looks at."""
    config = {"files": [str(path) for path in files], "most": 2}
    script = HERE / "peers" / "sliceline_find.py"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(FOLDER), "OMP_NUM_THREADS": "1"}
    return run_json([python_of("sliceline"), script, json.dumps(config)], environment)


def scores(masks, errors, truth):
    """Planted rows among ten of the best fitting group, of any group, of all groups; and how many are in the first.

    Ten rows of a group are its worst errors, among equals those expected of a draw.
    """
    if not len(masks):
        return dict.fromkeys(("precision", "any", "named", "recall"), 0.0)
    top = [among_ten(mask, errors, truth) for mask in masks]
    best = int(np.argmax([(mask & truth).sum() / max((mask | truth).sum(), 1) for mask in masks]))
    named = np.logical_or.reduce(masks)
    return {
        "precision": top[best],
        "any": max(top),
        "named": float((named & truth).sum() / max(named.sum(), 1)),
        "recall": float((masks[best] & truth).sum() / truth.sum()),
    }


def among_ten(mask, errors, truth):
    """Expected share of planted rows among the ten worst rows of a group."""
    rows = np.flatnonzero(mask)
    if not len(rows):
        return 0.0
    bound = np.sort(errors[rows])[-min(TEN, len(rows))]
    above, ties = rows[errors[rows] > bound], rows[errors[rows] == bound]
    return float((truth[above].sum() + (TEN - len(above)) * truth[ties].mean()) / TEN)


class Measured:
    """Scores by (set, kind, slicer), each a list over seeds; seconds of ours; what a peer says of itself."""

    def __init__(self):
        self.found, self.seconds, self.notes, self.version = defaultdict(list), [], [], ""
        self.peer_seconds = defaultdict(list)

    def case(self, name, seed, planted, waiting):
        """Score ours and the trees; write what sliceline will be given."""
        rows, where = planted.mistakes, (name, planted.kind)
        start = time.perf_counter()
        masks, said = by_ours(rows)
        self.seconds.append(time.perf_counter() - start)
        self.keep((*where, "ours"), masks, planted)
        print(name, planted.kind, seed, planted.said, "|", said, self.found[(*where, "ours")][-1], file=sys.stderr)
        for who, text in (("tree", False), ("tree + text", True)):
            self.keep((*where, who), by_tree(rows, text=text), planted)
        path = FOLDER / f"{name} {planted.kind} {seed}.npz"
        if write_case(rows, path):
            waiting.append((path, where, planted))
        else:
            self.keep((*where, "sliceline"), [], planted)

    def keep(self, key, masks, planted):
        self.found[key].append(scores(masks, planted.mistakes.errors, planted.mask))

    def peer(self, name, cases):
        """Run sliceline on what was written."""
        try:
            answered = by_sliceline([path for path, _, _ in cases])
        except (Failed, OSError, ValueError) as problem:
            self.notes.append(f"sliceline on {name} failed: {str(problem).splitlines()[-1][:200]}")
            return
        self.version = answered["version"]
        self.peer_seconds["sliceline"] += answered["seconds"]
        for path, where, planted in cases:
            masks = np.load(str(path).replace(".npz", ".sliceline.npy"))
            self.keep((*where, "sliceline"), masks, planted)

    def as_json(self):
        found = [[*key, many] for key, many in self.found.items()]
        return {
            "found": found,
            "seconds": self.seconds,
            "notes": self.notes,
            "version": self.version,
            "peer_seconds": self.peer_seconds,
        }

    def add(self, made):
        """Put what `as_json` wrote of one set beside the others."""
        self.found.update({(name, kind, who): many for name, kind, who, many in made["found"]})
        self.seconds += made["seconds"]
        self.notes += made["notes"]
        self.version = self.version or made["version"]
        for who, many in made["peer_seconds"].items():
            self.peer_seconds[who] += many


def measure(name, given):
    """Plant in one set, search, score."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    measured, waiting = Measured(), []
    for seed, planted in cases_of(name, given):
        measured.case(name, seed, planted, waiting)
    if waiting:
        measured.peer(name, waiting)
    return measured.as_json()


def false_alarms(name, given):
    """Studies of errors dealt to the rows at random, and how many of them report a slice."""
    mistakes = mistakes_of(name, min(given.rows or 800, 800))
    facts = facts_of(mistakes.frame, mistakes.table, vectors=mistakes.vectors)
    alarms = 0
    for seed in range(given.studies):
        errors = np.random.default_rng([seed, 7]).permutation(mistakes.errors)
        alarms += bool(discover(facts, errors, seed=seed).found)
    return {"alarms": alarms, "studies": given.studies}


def sources():
    """Digests of whatever decides what a search gives: a set that was measured by the same code is not again."""
    folder = Path(tunewright.analysis.__file__).parent
    files = [*sorted(folder.glob("*.py")), Path(__file__), HERE / "slice_planter.py", HERE / "peers/sliceline_find.py"]
    return [digest(file) for file in files]


def mean(found, who, what, *, name=None, kind=None):
    """Average over the cases of a set or kind; None where there are none."""
    values = [
        one[what]
        for (a, b, c), many in found.items()
        if c == who and name in (None, a) and kind in (None, b)
        for one in many
    ]
    return statistics.mean(values) if values else None


def lines(found, names):
    """One line per set, one per kind, and all."""
    keys = [(name, {"name": name}) for name in names]
    keys += [(f"all, {kind}", {"kind": kind}) for kind in (*COLUMNS, *TEXTS)] + [("all", {})]
    table = []
    for said, which in keys:
        if mean(found, "ours", "precision", **which) is None:
            continue
        cells = {who: mean(found, who, "precision", **which) for who in SLICERS}
        recalls = {who: mean(found, who, "recall", **which) for who in SLICERS}
        count = sum(
            len(many)
            for (a, b, c), many in found.items()
            if c == "ours" and which.get("name") in (None, a) and which.get("kind") in (None, b)
        )
        table.append(
            {"slices": said, "cases": count}
            | {f"{who}: precision@10 (recall)": shown(cells[who], recalls[who]) for who in SLICERS}
        )
    return table


def shown(precision, recall):
    return "–" if precision is None else f"{100 * precision:.0f} ({100 * recall:.0f})"


def bounds(found, who, what="precision", rounds=2000):
    """Ours less the other, over all cases that both answered, in points, with a bootstrap interval over cases."""
    pairs = [
        100 * (ours[what] - other[what])
        for (a, b, c), many in found.items()
        if c == "ours" and (a, b, who) in found
        for ours, other in zip(many, found[(a, b, who)], strict=True)
    ]
    values, rng = np.array(pairs), np.random.default_rng(0)
    drawn = values[rng.integers(0, len(values), (rounds, len(values)))].mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def lead(found, who):
    """A sentence on ours beside one peer."""
    value, low, high = bounds(found, who)
    recall = bounds(found, who, "recall")[0]
    anyhow, named = ([mean(found, one, what) for one in ("ours", who)] for what in ("any", "named"))
    return (
        f"Ours leads {who} by {value:+.1f} points of precision@10 ({low:+.1f} to {high:+.1f}; goal {GOAL:.0f}: "
        f"{judged(value, GOAL)}) and by {recall:+.1f} of recall. Of whichever group scores best: "
        f"{100 * anyhow[0]:.0f} against {100 * anyhow[1]:.0f}; planted among all rows named: "
        f"{100 * named[0]:.0f} against {100 * named[1]:.0f}, where the model's own slices count as not planted."
    )


def main():
    parser = options(__doc__.splitlines()[0], "rows")
    parser.add_argument("--seeds", type=int, default=2, help="planted slices per set and kind")
    parser.add_argument("--studies", type=int, default=25, help="searches per set among errors without a pattern")
    parser.add_argument("--sets", nargs="*", default=NAMES, choices=NAMES)
    given = parser.parse_args()
    measured, alarms, studies = Measured(), 0, 0
    for name in given.sets:
        key = {"set": name, "rows": given.rows, "sources": sources(), "pins": PINS["sliceline"]}
        measured.add(cached("slices", key | {"seeds": given.seeds}, partial(measure, name, given)))
        chance = cached("slices-chance", key | {"studies": given.studies}, partial(false_alarms, name, given))
        alarms, studies = alarms + chance["alarms"], studies + chance["studies"]
    found, seconds, share = measured.found, measured.seconds, alarms / max(studies, 1)
    slow = ", ".join(f"{who} {statistics.median(many):.1f} s" for who, many in measured.peer_seconds.items())
    report(
        lines(found, given.sets),
        [
            "Out-of-fold mistakes of a logistic or ridge regression with one planted slice of errors; means in per "
            "cent. rare, noisy: 2 to 5 % of the rows, an error with probability 0.9 and 0.6; correlated: another "
            "column follows the slice's; conjunction: two conditions of different columns.",
            *(lead(found, who) for who in PEER_NAMES if any(key[2] == who for key in found)),
            "Precision@10: planted rows among the ten worst of the group that fits best by Jaccard; recall: planted "
            "rows in it. The tree's groups are its leaves (at least as large as ours, 64 at most), those of sliceline "
            "its ten best of one or two conditions (alpha 0.95, numbers in tenths). Both see raw columns; the tree "
            f"with text also lengths, shares of signs and the {WORDS} most frequent words, which ours derives.",
            f"Errors dealt to rows at random: {alarms} of {studies} studies report a slice ({100 * share:.1f} %; "
            f"goal at most 5 %: {judged(share, 0.05, below=True)}).",
            f"A search takes {statistics.median(seconds):.1f} s in the median, {max(seconds):.1f} s at most"
            + (f"; {slow} (sliceline {measured.version})." if slow else "."),
            *measured.notes,
        ],
        given,
    )


if __name__ == "__main__":
    main()
