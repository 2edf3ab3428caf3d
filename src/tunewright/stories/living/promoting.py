"""`registry promote`: a version against the champion on labelled rows, then the change of champion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tunewright.errors import RegistryError
from tunewright.living.naming import SIGN
from tunewright.living.promoting import candidate, promote
from tunewright.living.registry import Registry
from tunewright.records import Against, Compared, Promotion
from tunewright.stories.judging.comparing import compare_story


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """A change of champion, and the comparison it was held to; None where there was none."""

    promotion: Promotion
    compared: Compared | None


def promote_story(
    registry: Registry, name: str, version: int | None = None, *, who: str, why: str = "", data: str | None = None
) -> Promoted:
    """Promote a version; with data, after a paired comparison with the champion.

    Rows that either model has learned from are left out, and the p-value allows for how often the rows have served: as
    in `tunewright compare`.

    Args:
        registry: that holds it.
        name: of the model.
        version: to promote; None: the latest candidate.
        who: promotes it.
        why: needed where the comparison does not show it to be better, or there is none.
        data: labelled rows, a path or a URL.

    Raises:
        PlanError: no such model or version, or neither evidence nor a reason.
        DataError: the rows cannot be read, or hardly any is new to both.
        RegistryError: the rows do not show that it is better and no reason was given, or the registry refused.
        ModelError: a bundle is damaged; the champion stays.
    """
    wanted = candidate(registry, name) if version is None else registry.version(name, version)
    champion = registry.champion(name)
    if data is None or champion is None or champion.version == wanted.version:
        return Promoted(promotion=promote(registry, name, wanted.version, who=who, why=why), compared=None)
    names = (f"{name}{SIGN}{wanted.version}", f"{name}{SIGN}{champion.version}")
    bundle = registry.bundle(name, wanted.version)
    compared = compare_story(bundle, Path(champion.folder), data, names=names)
    if compared.verdict != "better" and not why.strip():
        raise RegistryError(
            f"A promotion needs evidence that the version is better than the champion. {compared.text} "
            f"{names[1]} stays the champion. Give more labelled rows, or say why with --why TEXT."
        )
    against = Against(digest=champion.digest, compared=compared)
    promotion = promote(registry, name, wanted.version, who=who, why=why, against=against)
    return Promoted(promotion=promotion, compared=compared)
