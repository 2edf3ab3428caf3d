import importlib
import subprocess
import sys

import pytest

import tunewright.data


def test_the_public_names_are_exactly_those_listed() -> None:
    assert tunewright.data.__all__ == sorted(tunewright.data._HOME)
    for name, home in tunewright.data._HOME.items():
        assert getattr(tunewright.data, name) is getattr(importlib.import_module(f"tunewright.data.{home}"), name)
    with pytest.raises(AttributeError, match="nothing"):
        _ = tunewright.data.nothing


def test_options_are_read_without_polars() -> None:
    code = "import sys, tunewright.data; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
