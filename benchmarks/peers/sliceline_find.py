"""sliceline on prepared cases: per file (n, c) codes and (n,) errors to at most ten (k, n) masks, the worst first."""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import version

import numpy as np
from sliceline.slicefinder import Slicefinder

warnings.filterwarnings("ignore")
config = json.loads(sys.argv[1])
seconds = []
for path in config["files"]:
    case = np.load(path)
    start = time.perf_counter()
    # By its default weight of sizes (alpha 0.6) it scored 0 on the raw columns of titanic and googleplay.
    finder = Slicefinder(alpha=0.95, k=10, max_l=config["most"], min_sup=int(case["fewest"]), verbose=False)
    codes = case["codes"]
    finder.fit(codes, case["errors"])
    found = [] if finder.top_slices_ is None else finder.top_slices_[:10]
    seconds.append(time.perf_counter() - start)
    masks = [
        np.logical_and.reduce([codes[:, place] == code for place, code in enumerate(one) if code is not None])
        for one in found
    ]
    np.save(path.replace(".npz", ".sliceline.npy"), np.array(masks, bool).reshape(len(masks), len(codes)))
print(json.dumps({"seconds": seconds, "version": version("sliceline")}))
