"""What stands under the tables of `serving.py`: how each arm was set and measured."""

from __future__ import annotations

from common import pace
from serving_arms import CLOCK, FLOAT, INFINITY, INT8, LIMIT, LITSERVE, LITSERVE_SETTINGS, SIZES, ST, ST_OPENVINO
from serving_tables import KEPT
from venvs import packages_of

MS = f"{1000 * LIMIT:g} ms"
LEVELS = (
    "Goodput: the highest rate, of single texts that come when they like (a Poisson process, open loop), of which 99 % "
    f"are answered within {MS} from when they were due. Rates from a tenth to 1.25 times of what 8 or 64 waiting "
    "clients reach, then three between the last that held and the first that did not. Kept: what of the goodput is "
    "answered in time when three times that rate is offered. One load generator for all, on the same machine."
)
PEERS_IN_PROCESS = (
    "sentence-transformers: encode, then scikit-learn's LogisticRegression; the fastest of batches of "
    f"{', '.join(map(str, SIZES))}. Its int8 graph is made by its own helper, with scales fixed on train texts."
)
PEERS_OVER_HTTP = (
    "litserve (requests of a batch, how long the first waits): "
    + "; ".join(f"{name}: {batch}, {wait:g} s" for name, (batch, wait) in LITSERVE_SETTINGS.items())
    + "; sentence-transformers in float32 and the regression answer. infinity-emb: torch, its defaults; vectors as "
    "base64, the regression is the client's and takes none of its time. Ours is judged by the peer that is the best at "
    "each."
)
TOLD = {"litserve", "infinity-emb", "sentence-transformers", "transformers", "torch", "scikit-learn"}
TOLD |= {"openvino", "optimum-intel", "optimum", "nncf"}


def process_notes(found, made, given):
    """Of rows 9 and 10 in process."""
    results = [one for results in found.values() for one in results]
    return [
        *exports_notes(made, given),
        f"{len(next(iter(found.values())))} processes each, alternately. Accuracy on all {results[0]['tested']:,} test "
        f"rows. Rows/s: the fastest of {CLOCK['rounds']} rounds over at most {CLOCK['timed']:,} of them, raw texts to "
        f"labels. One row: {CLOCK['singles']} texts, one after the other.",
        *([] if given.only_ours else [PEERS_IN_PROCESS]),
        f"Ours counts where it keeps {100 * KEPT:g} % of the better accuracy of ours as trained and of {FLOAT}; `of "
        "the full model's` is what is kept of that, and of a peer's, what is kept of its own in float32.",
        *(versions(peer) for arm, peer in ((FLOAT, ST), (INT8, ST_OPENVINO)) if arm in found),
        pace(results),
    ]


def http_notes(found, made, given, best):
    """Of rows 10 and 11 over HTTP; `best` are our exports that are served."""
    results = [one for results in found.values() for one in results]
    return [
        *exports_notes(made, given),
        f"{len(next(iter(found.values())))} servers each, alternately, every one started anew. Accuracy of "
        f"{results[0]['checked']} test rows as they are answered over HTTP.",
        f"Ours serves {best.alone} for one request at a time and {best.many} for goodput, the best in process, with "
        f"--limit-ms {1000 * LIMIT:g}; answers tell one probability."
        + ("" if best.kept else f" Neither keeps {100 * KEPT:g} % of the accuracy: nothing of this counts."),
        LEVELS,
        *([] if given.only_ours else [PEERS_OVER_HTTP]),
        *(versions(peer) for peer in (LITSERVE, INFINITY) if any(arm.startswith(peer) for arm in found)),
        pace(results),
    ]


def soak_notes(result, made, given, name, flat):
    """Of the soak."""
    return [
        *exports_notes(made, given),
        f"tunewright serve, {name}: {result['rate']:,.0f} requests/s, {result['rate'] / result['peak']:.0%} of the "
        f"peak of {result['peak']:,.0f}, for {given.soak} minutes. Memory of the server's processes at the end of each "
        f"minute; in time: {MS}.",
        flat,
        pace([result]),
    ]


def exports_notes(made, given):
    """What is measured on our side."""
    auto = made["auto"]
    return [
        f"{given.set}: model.train={given.train}, trained once and exported; as trained ({made['precision']}) "
        f"{made['accuracy']:.4f} of the test rows are right.",
        *([f"`export --to auto` gives {auto['format']}: {auto['why']}."] if auto else []),
        *(f"Not exported to {name}: {said}" for name, said in made["refused"].items()),
    ]


def versions(peer):
    """What a peer's environment holds of what matters here."""
    held = [line for line in packages_of(peer).split() if line.partition("==")[0].replace("_", "-").lower() in TOLD]
    return f"{peer}: {', '.join(held)}."
