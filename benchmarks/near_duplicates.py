"""Row 8: near-duplicates of one definition, features included, beside datasketch and semhash; recall of all pairs."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from common import HERE, Failed, backbone, judged, median, options, pace, report, run_json, run_ours, spread
from near_exact import scored
from near_texts import FOLDER, PLANTED, SIZES, texts_file
from venvs import packages_of, python_of

THRESHOLD, RECALL = 0.8, 0.995
GOALS = {"datasketch": 30.0, "semhash": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to search, and what it is called in the table."""

    name: str
    who: str
    settings: dict[str, Any] = field(default_factory=dict)


def sketch(bands, rows):
    """datasketch with so many bands of so many hash values, and a faster hash than its own."""
    settings = {"num_perm": bands * rows, "params": (bands, rows), "hash": "crc32"}
    return Arm(name=f"datasketch, {bands} × {rows} hashes, crc32", who="datasketch", settings=settings)


ARMS = (
    Arm(name="tunewright, links", who="tunewright", settings={"all_pairs": False}),
    Arm(name="tunewright, all pairs", who="tunewright", settings={"all_pairs": True}),
    Arm(
        name="datasketch, defaults (128 hashes, sha1)",
        who="datasketch",
        settings={"num_perm": 128, "params": None, "hash": "sha1"},
    ),
    *(sketch(bands, rows) for bands, rows in ((7, 3), (7, 4), (8, 3))),
    Arm(
        name="semhash, static vectors, defaults (0.9)",
        who="semhash",
        settings={"vectors": "static", "threshold": 0.9, "backend": "usearch"},
    ),
    Arm(
        name="semhash, static vectors, exact index, 0.9",
        who="semhash",
        settings={"vectors": "static", "threshold": 0.9, "backend": "basic"},
    ),
    *(
        Arm(
            name=f"semhash, shingles in {width} numbers, exact index, {threshold}",
            who="semhash",
            settings={"vectors": "shingles", "width": width, "threshold": threshold, "backend": "basic"},
        )
        for width, threshold in ((64, 0.6), (256, 0.8))
    ),
)


@cache
def static_model():
    """Folder of the static model for semhash, distilled once from the embedded backbone."""
    folder = FOLDER / f"static {hashlib.sha256(packages_of('semhash').encode()).hexdigest()[:8]}"
    if not (folder / "model.safetensors").exists():
        print("Distilling a static model for semhash (once) ...", file=sys.stderr)
        run_peer_script("semhash", "static_model", {"model": backbone(), "out": str(folder)})
    return str(folder)


def run_peer_script(peer, script, config):
    """Run a peer's script in its own environment; never from a cache: the machine has to be the same for all arms."""
    command = [python_of(peer), HERE / "peers" / f"{script}.py", json.dumps(config)]
    return run_json(command, {"PATH": "/usr/bin:/bin", "HOME": str(FOLDER)})


def run_arm(arm, path, out):
    """One run; its pairs are in files that begin with `out`."""
    config = {"texts": str(path), "threshold": THRESHOLD, "out": out, **arm.settings}
    if arm.who == "tunewright":
        return run_ours("near_duplicates", config)
    if arm.who == "semhash":
        config |= {"jaccard": THRESHOLD} | ({"model": static_model()} if arm.settings["vectors"] == "static" else {})
    return run_peer_script(arm.who, f"{arm.who}_links", config)


def exact_of(path):
    """All pairs of a file of texts; found once per content."""
    token = hashlib.sha256(path.read_bytes()).hexdigest()[:20]
    out = FOLDER / f"exact {token}.npy"
    if not out.exists():
        run_json([sys.executable, HERE / "near_exact.py", path, THRESHOLD, out], {})
    return np.load(out)


def measure(name, rows, pairs):
    """Results of every arm on one set, alternately; recall and precision from the last run's pairs."""
    path = texts_file(name, rows)
    exact = exact_of(path)
    results = {arm.name: [] for arm in ARMS}
    for _ in range(pairs):
        for arm in ARMS:
            results[arm.name].append(run_arm(arm, path, str(FOLDER / arm.name)))
    said = {}
    for arm in ARMS:
        found = {which: scored(np.load(FOLDER / f"{arm.name} {which}.npy"), exact) for which in ("all", "verified")}
        said[arm.name] = {"runs": results[arm.name], "found": found}
    return len(exact), said


def fastest(said, who):
    """The peer's setting that takes least time, among those that find enough where any does."""
    arms = [arm for arm in ARMS if arm.who == who]
    enough = [arm for arm in arms if said[arm.name]["found"]["verified"][0] >= RECALL]
    return min(enough or arms, key=lambda arm: median(said[arm.name]["runs"], "seconds")), bool(enough)


def lines_of(name, exact, rows, said):
    """The table's lines for one set."""
    ours = said[ARMS[0].name]["runs"]
    best = {fastest(said, who)[0].name: who for who in GOALS}
    lines = []
    for arm in ARMS:
        runs, found = said[arm.name]["runs"], said[arm.name]["found"]
        ratio = median(runs, "seconds") / median(ours, "seconds")
        line = {
            "texts": f"{name}, {rows:,}",
            "exact pairs": f"{exact:,}",
            "arm": arm.name,
            "seconds": spread(runs, "seconds", 2),
            "verified": spread(runs, "verified_seconds", 2) if arm.who != "tunewright" else "",
            "ours is faster by": f"{ratio:.2f}×" if arm.who != "tunewright" else "",
            "recall": f"{found['verified'][0]:.4f}",
            "recall, precision if not verified": f"{found['all'][0]:.4f}, {found['all'][1]:.3f}",
        }
        who = best.get(arm.name)
        lines.append(line | {"goal": f"row 8: ≥ {GOALS[who]:.0f}×, {judged(ratio, GOALS[who])}" if who else ""})
    return lines


def notes(given, results):
    """Sentences under the table."""
    runs = [run for _, said in results.values() for arm in said.values() for run in arm["runs"]]
    short = [
        f"{who} on {name}: no setting reaches {RECALL} (the fastest of all is judged)"
        for name, (_, said) in results.items()
        for who in GOALS
        if not fastest(said, who)[1]
    ]
    pins = [
        one
        for who in GOALS
        for one in packages_of(who).split()
        if one.startswith(("datasketch", "semhash", "model2vec", "vicinity", "usearch"))
    ]
    return [
        f"One definition: Jaccard similarity of at least {THRESHOLD} of the sets of character 5-shingles, after NFKC, "
        "lower case and collapsing white space. Seconds from texts in memory to pairs, shingles and vectors included, "
        f"libraries loaded; {given.pairs} runs each, alternately, each a process of its own: median, least, greatest.",
        "Exact pairs: every pair compared, by a sparse matrix product. Recall: share of them whose two rows the arm's "
        "pairs connect, which is what keeps them on one side of a split; only pairs that reach the threshold count "
        "(`verified` is the time with that comparison of the sets; ours makes it anyway). Without it, pairs that are "
        "far from the threshold connect much; precision is the share of the arm's pairs that are exact ones.",
        "The ratio: a peer's time without verification over that of our links, which the product uses. Judged is "
        f"each peer's fastest setting with a recall of {RECALL} or more{': ' if short else '.'}{'; '.join(short)}",
        "datasketch: repeated texts are set aside first, hash values made in bulk, each row looked up before it is put "
        "in. At its defaults for this threshold (9 bands of 13) it misses pairs near it; the other settings (bands × "
        "rows) are among the fastest with that recall of 16 tried on another draw of the texts.",
        "semhash: its `self_deduplicate` on the same texts. Its own model is on a hub and was out of reach; it got a "
        "static model of the same kind and width (256), distilled from the embedded backbone by model2vec's recipe, in "
        "float32, and, for the same definition, an encoder of its protocol that hashes the shingles into signed "
        "numbers, whose cosine estimates that of the sets (0.89 or more where the Jaccard similarity is 0.8 or more). "
        "It tells one kept record per dropped one, so chains of resemblance are cut. Settings: its defaults, and the "
        "better ones of 16 tried on another draw of the texts.",
        f"Texts: clinc150, snips, sms_spam (requests and messages), goemotions (comments), or all; distinct ones; "
        f"{PLANTED:.0%} are copies with slips, other case, a word more or less, other marks.",
        f"Peers: {', '.join(pins)}.",
        pace(runs),
    ]


def main():
    """Measure and write the section."""
    parser = options(__doc__, "pairs", "rows")
    parser.add_argument("--sets", nargs="+", choices=SIZES, default=list(SIZES))
    given = parser.parse_args()
    results, table = {}, []
    for name in given.sets:
        rows = min(SIZES[name], given.rows or SIZES[name])
        try:
            results[name] = measure(name, rows, given.pairs)
        except Failed as error:
            sys.exit(f"{name}: {error}")
        table += lines_of(name, results[name][0], rows, results[name][1])
    report(table, notes(given, results), given)


if __name__ == "__main__":
    main()
