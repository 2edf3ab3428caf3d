"""The peers' own virtual environments under `.peers/`, made once from pinned versions, and again when a pin changes."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PEERS = Path(__file__).resolve().parents[1] / ".peers"

PINS: dict[str, tuple[str, ...]] = {
    "transformers": (
        "torch==2.13.0",
        "transformers==5.23.0",
        "accelerate==1.15.0",
        "optuna==5.0.0",
        "scikit-learn==1.9.1",
        "numpy==2.4.6",
        "polars==2.1.0",
    ),
    "sentence-transformers": (
        "torch==2.13.0",
        "sentence-transformers==6.2.0",
        "transformers==5.23.0",
        "scikit-learn==1.9.1",
        "numpy==2.4.6",
        "polars==2.1.0",
    ),
    # Its helper that quantises reads rows with datasets; optimum-intel 2.0.0 knows transformers 5.0.
    "sentence-transformers-openvino": (
        "torch==2.13.0",
        "sentence-transformers[openvino]==6.2.0",
        "transformers==5.0.0",
        "optimum-intel==2.0.0",
        "openvino==2026.4.1",
        "nncf==3.4.0",
        "datasets==5.2.0",
        "scikit-learn==1.9.1",
        "numpy==2.4.6",
        "polars==2.1.0",
    ),
    "litserve": (
        "litserve==0.2.19",
        "torch==2.13.0",
        "sentence-transformers==6.2.0",
        "transformers==5.23.0",
        "scikit-learn==1.9.1",
        "numpy==2.4.6",
    ),
    # infinity-emb 0.0.78 does not start with optimum 2, nor with a transformers that has no BetterTransformer.
    "infinity": (
        "infinity-emb[torch,optimum,server]==0.0.78",
        "torch==2.13.0",
        "optimum==1.27.0",
        "transformers==4.48.3",
        "sentence-transformers==3.4.1",
        "numpy==1.26.4",
        "click==8.1.8",
    ),
    # setfit 1.2.0 does not know transformers 5: it has pins of its own.
    "setfit": (
        "torch==2.13.0",
        "setfit==1.2.0",
        "sentence-transformers==5.7.0",
        "transformers==4.57.6",
        "scikit-learn==1.9.1",
        "numpy==2.4.6",
        "polars==2.1.0",
    ),
    "cleanlab": ("cleanlab==2.9.0", "scikit-learn==1.9.1", "numpy==2.4.6"),
    # deepchecks 0.19.1 needs names that numpy 2, pandas 3 and scikit-learn 1.4 no longer have.
    "deepchecks": ("deepchecks==0.19.1", "numpy==1.26.4", "pandas==2.2.3", "scikit-learn==1.3.2", "setuptools<81"),
    "datasketch": ("datasketch==2.0.0", "scipy==1.17.1", "numpy==2.4.6"),
    "sliceline": ("sliceline==0.3.0", "scikit-learn==1.9.1", "scipy==1.17.1", "numpy==2.4.6"),
    # The three that watch models know pandas 2 at most, two of them numpy 1; a newer pyarrow wants numpy 2.
    "evidently": ("evidently==0.7.23", "pandas==2.2.3", "scikit-learn==1.7.2", "scipy==1.15.3", "numpy==2.2.6"),
    "alibi-detect": (
        "alibi-detect==0.13.0",
        "torch==2.13.0",
        "pandas==2.2.3",
        "scikit-learn==1.5.2",
        "scipy==1.11.4",
        "opencv-python==4.11.0.86",
        "numpy==1.26.4",
    ),
    "nannyml": (
        "nannyml==0.13.1",
        "pandas==2.2.3",
        "scikit-learn==1.5.2",
        "scipy==1.13.1",
        "pyarrow==19.0.1",
        "numpy==1.26.4",
    ),
    # Torch and transformers only make the static model once; the search does not load them.
    "semhash": (
        "semhash==0.5.0",
        "model2vec[distill]==0.10.0",
        "vicinity==0.4.6",
        "usearch==2.26.6",
        "scikit-learn==1.9.1",
        "torch==2.13.0",
        "transformers==5.3.0",
        "numpy==2.4.6",
    ),
}


def python_of(peer: str) -> Path:
    """The peer's Python; its environment is made where it is absent or its pins have changed."""
    folder = PEERS / peer
    python, stamp = folder / "bin" / "python", folder / "pins.txt"
    wanted = "\n".join(PINS[peer])
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Making .peers/{peer} (once; a few minutes) ...", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *PINS[peer]]
    try:
        subprocess.run(install, check=True, stderr=subprocess.PIPE, text=True)
    except subprocess.CalledProcessError as problem:
        print(problem.stderr, file=sys.stderr)
        raise
    listed = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True)
    (folder / "freeze.txt").write_text(listed.stdout)
    stamp.write_text(wanted)
    return python


def packages_of(peer: str) -> str:
    """Every package of the peer's environment with its version, as `pip freeze` lists them."""
    python_of(peer)
    return (PEERS / peer / "freeze.txt").read_text()
