"""Bundles of every kind of table, what each was exported to, and an export gone wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

KINDS = ["text", "pair", "multilabel", "table", "mixed"]


def write(folder, learned):
    from tunewright.bundle.format import write_bundle

    _, judging, fitted = learned
    write_bundle(
        folder,
        fitted.model,
        backbone_folder=fitted.backbone_folder,
        card="# card\n",
        extra={"weights_digest": fitted.trained.digest, "limits": {}},
        sample=judging.problem.typed["validation"],
    )


@pytest.fixture(scope="session")
def source(learned, tmp_path_factory):
    """(kind) to the `Source` of a bundle of that kind, made once."""
    from tunewright.bundle.reading import read_bundle
    from tunewright.export.base import Source

    made = {}

    def get(kind="text"):
        if kind not in made:
            folder = tmp_path_factory.mktemp("bundles") / kind
            write(folder, learned(kind))
            typed = learned(kind)[1].problem.typed
            made[kind] = Source(
                folder=folder, model=read_bundle(folder), train=typed["train"], validation=typed["validation"]
            )
        return made[kind]

    return get


@pytest.fixture(scope="session")
def exported(source, tmp_path_factory):
    """(kind, format) to the folder of a bundle exported so, made once."""
    from tunewright.export.formats import format_of
    from tunewright.export.writing import write_export

    made: dict[tuple[str, str], Path] = {}

    def get(kind, to):
        if (kind, to) not in made:
            from_ = source(kind)
            out = tmp_path_factory.mktemp("exports") / f"{kind}-{to}"
            write_export(out, format_of(to), from_, held_out=from_.validation)
            made[kind, to] = out
        return made[kind, to]

    return get
