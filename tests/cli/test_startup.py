"""`tunewright --help` costs nothing, and only the verbs that exist are there."""

import json
import subprocess
import sys

HEAVY = ("torch", "transformers", "polars", "numpy", "sklearn", "scipy", "pyarrow", "plotly", "jinja2")
HEAVY += ("fastapi", "starlette", "uvicorn", "prometheus_client")
SCRIPT = """
import json, sys
from tunewright.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    loaded = sorted(name for name in sys.modules if "." not in name)
    print(json.dumps({"code": end.code or 0, "modules": loaded}), file=sys.stderr)
"""


def start(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout, json.loads(done.stderr.splitlines()[-1])


def test_help_imports_nothing_heavy():
    for arguments in (("--help",), ("run", "--help"), ("--version",)):
        out, told = start(*arguments)
        assert told["code"] == 0
        assert out.strip()
        assert not set(HEAVY) & set(told["modules"]), arguments


def test_only_the_verbs_that_exist_are_there():
    from tunewright.cli import VERBS

    verbs = ["run", "demo", "plan", "audit", "tune", "evaluate", "explain", "compare", "predict", "report"]
    verbs += ["serve", "bench", "doctor"]
    assert [name for name, _ in VERBS] == verbs
    out, _ = start("--help")
    assert all(name in out for name, _ in VERBS)
    assert "registry" not in out


def test_python_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "tunewright", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == __import__("tunewright").__version__
