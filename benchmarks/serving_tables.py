"""Tables of `serving.py`: a line per arm, ours judged by the strongest of those beside it."""

from __future__ import annotations

from common import judged, median, spread
from serving_arms import FLOAT, INT8, served

KEPT = 0.995  # of the accuracy
ROW_9 = {FLOAT: 5.0, INT8: 1.2}
ROW_10, TAIL = 4.5, 1.5
ROW_11, HELD = 1.5, 0.9
FLAT = 0.02
NOT_KEPT = "no export keeps the accuracy"


def ratio_of_tail(results):
    """p99 / p50 of single rows, the median over processes."""
    return median([{"tail": one["p99_ms"] / one["p50_ms"]} for one in results], "tail")


def references(found, trained):
    """The accuracy that each arm in process is held to: that of its own model before it was made fast, or of the peer.

    Ours is held to the better of its own and the peer's, where the peer ran.
    """
    peer = median(found[FLOAT], "accuracy") if FLOAT in found else None
    of_ours = trained if peer is None else max(trained, peer)
    return {name: peer if name in ROW_9 else of_ours for name in found}


def keeping(found, trained):
    """Our exports that keep 99.5 % of the accuracy."""
    held_to = references(found, trained)
    ours = [name for name in found if name not in ROW_9]
    return [name for name in ours if median(found[name], "accuracy") >= KEPT * held_to[name]]


def best_of(found, names):
    """Of these the one with the most rows a second, and the one with the fastest single rows; None twice of none."""
    if not names:
        return None, None
    return (
        max(names, key=lambda name: median(found[name], "rows_per_second")),
        min(names, key=lambda name: median(found[name], "p50_ms")),
    )


def in_process(found, failed, trained):
    """Rows 9 and 10, in process."""
    held_to, names = references(found, trained), keeping(found, trained)
    many, alone = best_of(found, names)
    lines = []
    for name, results in found.items():
        peer = name in ROW_9
        line = {
            "arm": called(name),
            "test accuracy": f"{median(results, 'accuracy'):.4f}",
            "of the full model's": share(median(results, "accuracy"), held_to[name]),
            "rows/s": spread(results, "rows_per_second", 0),
            "ms, one row": spread(results, "p50_ms", 2),
            "p99 / p50": f"{ratio_of_tail(results):.2f}",
            "ours: rows/s": "",
            "ours: one row": "",
            "goal": "",
        }
        if peer:
            line |= beside(name, results, found, many, alone)
        elif name == alone:
            line["goal"] = f"row 10: p99/p50 ≤ {TAIL:g}, {judged(ratio_of_tail(results), TAIL, below=True)}"
        lines.append(line)
    return lines + not_run({called(name): said for name, said in failed.items()}, lines[0])


def called(name):
    """An arm's name in the table."""
    return name if name in ROW_9 else f"tunewright, {name}"


def share(value, whole):
    """A share in per cent; nothing where there is no whole."""
    return "" if whole is None else f"{value / whole:.2%}"


def beside(name, results, found, many, alone):
    """How our best exports stand beside a peer."""
    goals = [f"row 9: ≥ {ROW_9[name]:g}×"] + ([f"row 10: ≥ {ROW_10:g}×"] if name == FLOAT else [])
    if many is None:
        return {"goal": "; ".join(f"{goal}, {NOT_KEPT}" for goal in goals)}
    rows = median(found[many], "rows_per_second") / median(results, "rows_per_second")
    single = median(results, "p50_ms") / median(found[alone], "p50_ms")
    reached = [judged(rows, ROW_9[name]), judged(single, ROW_10)]
    return {
        "ours: rows/s": f"{rows:.2f}× ({many})",
        "ours: one row": f"{single:.2f}× ({alone})",
        "goal": "; ".join(f"{goal}, {said}" for goal, said in zip(goals, reached)),
    }


def over_http(found, failed, best):
    """Rows 10 and 11 over HTTP; `best`: our exports for many requests and for one at a time, and whether they count."""
    many, alone, verdict = best.many, best.alone, judged if best.kept else not_kept
    peers = [name for name in found if name not in (served(many), served(alone))]
    soonest = min(peers, key=lambda name: median(found[name], "p50_ms"), default=None)
    strongest = max(peers, key=lambda name: median(found[name], "goodput"), default=None)
    lines = []
    for name, results in found.items():
        line = {
            "server": name,
            "accuracy": f"{median(results, 'accuracy'):.4f}",
            "ms, one at a time": spread(results, "p50_ms", 2),
            "p99 / p50": f"{ratio_of_tail(results):.2f}",
            "goodput/s": spread(results, "goodput", 0),
            "kept at 3×": f"{median(results, 'kept'):.0%}",
            "MB": f"{median(results, 'memory_mb'):,.0f}",
            "ours: one at a time": "",
            "ours: goodput": "",
            "goal": "",
        }
        goals = []
        if name in peers:
            single = times(median(results, "p50_ms"), median(found[served(alone)], "p50_ms"))
            good = times(median(found[served(many)], "goodput"), median(results, "goodput"))
            line |= {"ours: one at a time": f"{single:.2f}×", "ours: goodput": f"{good:.2f}×"}
            goals += [f"row 10: ≥ {ROW_10:g}×, {verdict(single, ROW_10)}"] if name == soonest else []
            goals += [f"row 11: ≥ {ROW_11:g}×, {verdict(good, ROW_11)}"] if name == strongest else []
        if name == served(alone):
            goals.append(f"row 10: p99/p50 ≤ {TAIL:g}, {verdict(ratio_of_tail(results), TAIL, below=True)}")
        if name == served(many):
            goals.append(f"row 11: ≥ {100 * HELD:.0f} % kept, {verdict(median(results, 'kept'), HELD)}")
        lines.append(line | {"goal": "; ".join(goals)})
    return lines + not_run(failed, lines[0])


def not_kept(ratio, goal, *, below=False):
    """In place of `judged`: however fast, it does not count."""
    return NOT_KEPT


def times(a, b):
    """A ratio; infinite where only the second is nothing, one where both are."""
    if b:
        return a / b
    return float("inf") if a else 1.0


def not_run(failed, like):
    """A line for each arm that could not be run, with the last line that it said."""
    first, second = list(like)[:2]
    cleaned = {name: said.replace("|", "/") for name, said in failed.items()}
    return [dict.fromkeys(like, "") | {first: name, second: f"did not run: {said}"} for name, said in cleaned.items()]


def soaked(result, warm):
    """The soak by the minute, and in a sentence whether its memory stayed flat after the first minutes."""
    lines = [
        {
            "minute": number,
            "MB": f"{one['mb']:,.1f}",
            "in time/s": f"{one['goodput']:,.1f}",
            "refused/s": f"{one['refused']:,.1f}",
            "lost": one["lost"],
            "p99 ms": f"{one['p99_ms']:.1f}",
        }
        for number, one in enumerate(result["minutes"], 1)
    ]
    later = [one["mb"] for one in result["minutes"][warm:]]
    apart = max(later) / min(later) - 1
    return lines, (
        f"Resident memory from the end of minute {warm + 1} to the end: {min(later):,.1f} to {max(later):,.1f} MB, "
        f"{apart:.2%} apart. Soak: flat within {100 * FLAT:.0f} %, {judged(apart, FLAT, below=True)}."
    )
