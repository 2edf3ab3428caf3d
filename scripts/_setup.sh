# Sourced by the scripts beside it: makes .venv once from the pinned constraints, and again only when they change.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv="$root/.venv"
wanted=$(cat pyproject.toml constraints.txt | sha256sum | cut -d' ' -f1)
extra=${TUNEWRIGHT_SETUP_EXTRA:-}
stamp="$venv/.made-from$extra"
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    echo "Making .venv (once; a few minutes) ..." >&2
    [ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".${extra:+[$extra]}"
    echo "$wanted" > "$stamp"
fi
export PATH="$venv/bin:$PATH"
