"""`benchmarks/RESULTS.md`: one section per benchmark, replaced as a whole whenever the benchmark is run again."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

Ratios measured side by side in one run, one process after the other. Every section is written by its benchmark; where
the machine had other work, its yardstick (a 1024 x 1024 float32 product, 9 to 11 ms on a quiet one) says so.
"""
PACKAGES = ("tunewright", "torch", "transformers", "tokenizers", "scikit-learn", "polars", "numpy")


def write_section(
    name: str,
    table: Sequence[Mapping[str, object]],
    command: str,
    notes: Sequence[str] = (),
    *,
    path: Path = RESULTS,
) -> None:
    """Replace the section `name`, or add it at its place in the alphabet; the other sections stay as they are.

    Args:
        name: of the benchmark.
        table: one mapping per line; the first one's keys are the columns.
        command: what made it.
        notes: sentences under the table.
        path: the results file.
    """
    sections = _sections(path.read_text("utf-8")) if path.exists() else {}
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}. {machine()}. {versions()}."
    lines = [f"`{command}`", "", *_table(table), "", *(f"* {note}" for note in notes), f"* {stamp}"]
    sections[name] = "\n".join(lines)
    body = "\n".join(f"## {key}\n\n{sections[key]}\n" for key in sorted(sections))
    temporary = path.with_suffix(".tmp")
    temporary.write_text(f"{HEAD}\n{body}", "utf-8")
    os.replace(temporary, path)
    print("\n".join(lines), file=sys.stderr)


def machine() -> str:
    """CPU model, cores, the instructions that decide about bfloat16, memory.

    An instruction set counts where the CPU says that it has it, which is what torch looks at.
    """
    flags = cpu_flags()
    features = [name for name, flag in (("AMX", "amx_bf16"), ("AVX512-BF16", "avx512_bf16")) if flag in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu_model()}, {os.cpu_count()} cores, {' and '.join(features) or 'no bfloat16'}, {memory:.0f} GB"


def cpu_model() -> str:
    """What the CPU calls itself."""
    found = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def cpu_flags() -> set[str]:
    """The CPU's feature flags."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return set(found[1].split()) if found else set()


def versions() -> str:
    """Versions of what ours runs on."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {_version(name)}" for name in PACKAGES)])


def commit() -> str:
    """The checkout's commit, and whether the product's source differs from it."""
    root = Path(__file__).resolve().parents[1]
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True)
    changed = subprocess.run(["git", "status", "--porcelain", "src"], cwd=root, capture_output=True, text=True)
    return (told.stdout.strip() or "unknown") + (" with changes" if changed.stdout.strip() else "")


def has_amx() -> bool:
    """Whether the goals for machines with AMX count here."""
    return "amx_bf16" in cpu_flags()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from source"


def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text("utf-8", errors="replace") if path.exists() else ""


def _table(rows: Sequence[Mapping[str, object]]) -> list[str]:
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([str(row.get(column, "")) for column in columns] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _sections(text: str) -> dict[str, str]:
    """Section name to its text, without the heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {name.strip(): body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
