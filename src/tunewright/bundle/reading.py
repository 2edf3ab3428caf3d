"""Reading a bundle back: digests first, then what the files say, and nothing of it is believed before it is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewright.bundle.engines import open_engine
from tunewright.bundle.model import FittedModel
from tunewright.bundle.preprocessor import Preprocessor
from tunewright.bundle.reference import Reference
from tunewright.bundle.seen import SeenRows
from tunewright.errors import ModelError, TunewrightError
from tunewright.models.lexical import Lexical
from tunewright.models.safety import sha256
from tunewright.models.tokens import TextTokenizer
from tunewright.models.trees import Trees
from tunewright.models.weights import check_finite, check_safetensors
from tunewright.records import from_json
from tunewright.runfolder import read_json
from tunewright.runfolder.marker import MARKER
from tunewright.tasks import Decision, task_from_json

FORMAT = 1
SUMS = "SHA256SUMS"
ABOUT = "tunewright.json"
TREES = "trees.safetensors"
SEEN = "seen.safetensors"
REFERENCE = "reference.safetensors"
BEHAVIOURS = "behaviours.json"
EXPLAINING = "explaining.json"
EVIDENCE = "evidence.json"
LOADED = (".json", ".safetensors", ".onnx", ".data", ".xml", ".bin")
# Where sentence-transformers looks for the pooling; the one name with a folder in it that a list may have.
POOLING = "1_Pooling/config.json"


def read_bundle(folder: Path) -> FittedModel:
    """Read a bundle; every file is held to its digest before anything is loaded.

    Raises:
        ModelError: not a bundle, a file is missing, changed or hostile, or a newer release wrote it.
    """
    check_sums(folder)
    try:
        return _read(folder, read_json(folder / ABOUT))
    except TunewrightError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as problem:
        raise ModelError(
            f"A bundle's files must fit together. {folder} holds something else ({type(problem).__name__}). "
            "Take the bundle from the run again."
        ) from problem


def read_behaviours_of(folder: Path) -> Any:
    """What the bundle holds of behaviours that are asked of its model, as JSON; None where it holds none.

    To be called after `read_bundle`, which has held the file to its digest.
    """
    return read_json(folder / BEHAVIOURS) if (folder / BEHAVIOURS).is_file() else None


def read_seen_of(folder: Path) -> SeenRows | None:
    """The rows the bundle's model learned from; None where an earlier release wrote it.

    To be called after `read_bundle`, which has held the file to its digest.
    """
    from safetensors.numpy import load_file

    if not (folder / SEEN).is_file():
        return None
    check_safetensors(folder / SEEN)
    return SeenRows(load_file(folder / SEEN)["marks"])


def read_reference_of(folder: Path) -> Reference | None:
    """The rows the bundle's model was judged on, as numbers; None where an earlier release wrote it.

    To be called after `read_bundle`, which has held the file to its digest.

    Raises:
        ModelError: the file holds something else.
    """
    from safetensors.numpy import load_file

    if not (folder / REFERENCE).is_file():
        return None
    check_safetensors(folder / REFERENCE)
    try:
        return Reference.from_arrays(load_file(folder / REFERENCE))
    except (KeyError, ValueError) as problem:
        raise ModelError(
            f"{folder / REFERENCE} must hold the rows that a run wrote there. Got something else ({problem}). "
            "Take the bundle from the run again."
        ) from problem


def read_explaining_of(folder: Path) -> Any:
    """What the bundle holds of how its explanations were checked, as JSON; None where it holds nothing.

    To be called after `read_bundle`, which has held the file to its digest.
    """
    return read_json(folder / EXPLAINING) if (folder / EXPLAINING).is_file() else None


def _read(folder: Path, about: dict[str, Any]) -> FittedModel:
    if about["format"] != FORMAT:
        raise ModelError(
            f"This release reads bundles of format {FORMAT}. {folder} has format {about['format']!r}. "
            "Use the release that wrote it, or a newer one."
        )
    engine, precision = open_engine(folder, about)
    trees_share = about.get("trees_share", 0.0)  # earlier releases had none
    return FittedModel(
        engine=engine,
        preprocessor=Preprocessor.from_json(about["preprocessing"]),
        tokenizer=TextTokenizer(folder) if about["backbone"] else None,
        task=task_from_json(about["task"]),
        decision=from_json(Decision, about["decision"]),
        metric=about["metric"],
        precision=precision,
        head=about["head"]["kind"],
        backbone=about["backbone"],
        pooling=about["pooling"],
        lexical=_lexical(folder) if about["lexical_share"] else None,
        lexical_share=about["lexical_share"],
        trees=_trees(folder) if trees_share else None,
        trees_share=trees_share,
    )


def _lexical(folder: Path) -> Lexical:
    from safetensors.numpy import load_file

    check_safetensors(folder / "lexical.safetensors")
    check_finite(folder / "lexical.safetensors")
    arrays = load_file(folder / "lexical.safetensors")
    vocabulary = tuple(read_json(folder / "lexical.json")["vocabulary"])
    return Lexical(vocabulary, arrays["idf"], arrays["weight"], arrays["bias"])


def _trees(folder: Path) -> Trees:
    from safetensors.numpy import load_file

    check_safetensors(folder / TREES)
    check_finite(folder / TREES)
    return Trees.from_arrays(load_file(folder / TREES))


def check_sums(folder: Path) -> None:
    """Hold every file of a bundle to its digest; nothing is loaded.

    Raises:
        ModelError: not a bundle, or a file is missing or was changed.
    """
    if not (folder / SUMS).is_file() or not (folder / ABOUT).is_file():
        raise ModelError(
            f"A bundle is a folder with {ABOUT} and {SUMS}. {folder} is none. Give the `bundle` folder of a run."
        )
    listed = {}
    for line in (folder / SUMS).read_text("utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    # Nothing that a loader might pick up stands beside what is listed; a dot marks what the run folder keeps there.
    present = {p.name for p in folder.iterdir() if p.suffix in LOADED and p.name[0] != "."}
    present.discard(MARKER)
    present |= {POOLING} & {p.relative_to(folder).as_posix() for p in folder.glob("*/config.json")}
    for name in sorted(present | set(listed)):
        path = folder / name
        plain = Path(name).name == name or (name == POOLING and not path.parent.is_symlink())
        if not plain or path.is_symlink() or not path.is_file() or sha256(path) != listed.get(name):
            raise ModelError(
                f"Every file of a bundle must have the digest in {SUMS}. {path} is missing or was changed. "
                "Take the bundle from the run again."
            )
