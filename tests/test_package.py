"""The package as others meet it: its wheel, its public names, what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tunewright

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "polars", "numpy", "sklearn", "pandas", "scipy")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked by pip into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    run = [sys.executable, "-m"]
    subprocess.run(
        [*run, "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", ROOT], check=True, capture_output=True
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    subprocess.run(
        [*run, "pip", "install", "--quiet", "--no-deps", "--target", folder / "site", wheel],
        check=True,
        capture_output=True,
    )
    return folder / "site"


def ask(site: Path, code: str) -> str:
    """Run code with the wheel's files first on the path, away from the checkout."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=site.parent,
        env={"PYTHONPATH": str(site), "PATH": ""},
    )
    return done.stdout.strip()


def test_wheel_holds_everything_it_needs(installed: Path) -> None:
    assert ask(installed, "import tunewright; print(tunewright.__file__)").startswith(str(installed))
    rows = ask(installed, "from tunewright.example import path; print(len(path().read_text().splitlines()))")
    assert int(rows) > 900
    assert "verdict" in ask(
        installed,
        "import tunewright.report as r, pathlib as l; print(l.Path(r.__path__[0], 'run.html').read_text())",
    )


def test_wheel_holds_no_shared_data_and_no_tests(installed: Path) -> None:
    names = [str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()]
    large = [name for name in names if (installed / name).stat().st_size > 500_000]
    assert not large
    assert not [name for name in names if "tests" in Path(name).parts or "shared" in Path(name).parts]


def test_public_names_are_exactly_these() -> None:
    assert sorted(tunewright.__all__) == ["__version__", "audit", "compare", "load", "run", "tune"]
    for name in tunewright.__all__:
        assert getattr(tunewright, name)


def test_import_and_help_load_nothing_heavy() -> None:
    code = (
        "import sys, tunewright\n"
        "from tunewright.cli import main\n"
        "sys.argv = ['tunewright', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_no_module_hides_a_public_function() -> None:
    package = Path(tunewright.__file__).parent
    for name in ("run", "audit", "tune", "load", "compare"):
        assert not (package / f"{name}.py").exists()
        assert not (package / name).exists()
