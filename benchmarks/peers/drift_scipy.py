"""Peer: SciPy's tests column by column, Bonferroni's correction over them. One JSON line out.

Numbers and each dimension of the vectors by ks_2samp, categories by chi2_contingency; an empty cell is a value below
all others. Holm's correction raises an alarm exactly where Bonferroni's does: the least p-value faces level / tests.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import numpy as np
from drift_frames import LEVEL, run
from scipy.stats import chi2_contingency, ks_2samp


def chi2(old, new):
    """P-value of a table of counts; None where there is one value."""
    values = np.unique(np.concatenate([old, new]))
    if len(values) < 2:
        return None
    table = [[(side == value).sum() for value in values] for side in (old, new)]
    return float(chi2_contingency(table).pvalue)


def columns(old, new, number):
    """The least p-value over all columns."""
    pairs = [*zip(old.filled().T, new.filled().T), *zip(old.vectors.T, new.vectors.T)]
    codes = list(zip(old.categories.T, new.categories.T))

    def look():
        found = [float(ks_2samp(a, b).pvalue) for a, b in pairs]
        found += [p for a, b in codes if (p := chi2(a, b)) is not None]
        least = min(found)
        return {"scipy, ks and chi2, Bonferroni": (least <= LEVEL / len(found), -least)}

    return look


def main(config):
    """Look at every draw."""
    print(json.dumps({"arms": run(config["draws"], [(columns, None)]), "version": f"scipy {version('scipy')}"}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
