"""The walk through docs/cloud.md is walked: its commands, in its order, on a real cluster and a real S3 server."""

import re
import shlex
from pathlib import Path

import pytest

from tunewright.cli import main
from tunewright.errors import RunError
from tunewright.remote.files import put_file, read_url, sizes

PAGE = Path(__file__).parents[1] / "docs/cloud.md"
# What a small model needs to be quick; everything else is the page's.
QUICK = ["search.trials=2", "search.space={probe_C: {low: 0.1, high: 10}}", "search.seeds=1", "audit.apply=none"]
OTHERS = ("export", "ray")  # of the shell, and of the fixture that starts the cluster


def commands():
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.mark.slow
def test_every_command_of_the_page_does_what_it_says(
    ray_cluster, s3, make_rows, tiny_model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    make_rows("text", 90).rename({"y": "team"}).drop("part").write_csv("tickets.csv")
    said = {}
    for words in commands():
        name, *rest = [
            word.replace("s3://my-bucket", s3).replace("ray://HEAD:10001", ray_cluster.client) for word in words
        ]
        if name == "aws":
            put_file(Path(rest[2]), rest[3], raising=RunError)
        elif name == "tunewright":
            small = [f"model.name={tiny_model}", *QUICK] if rest[0] == "tune" else []
            with pytest.raises(SystemExit) as ended:
                main([*rest, *(part for one in small for part in ("--set", one))])
            captured = capsys.readouterr()
            assert ended.value.code == 0, captured.err
            said[" ".join(words[:2])] = captured
        else:
            assert name in OTHERS, name
    assert set(said) == {"tunewright audit", "tunewright tune", "tunewright run", "tunewright predict"}
    assert "is finished" in said["tunewright run"].err  # the last command of the page
    there = sizes(s3, raising=RunError)
    assert {"studies/first/best.yaml", "runs/best/report.html", "runs/best/bundle/SHA256SUMS"} <= set(there)
    assert len(read_url(f"{s3}/answers.csv", what="Answers.").splitlines()) == 91
    assert {path.name for path in tmp_path.iterdir()} == {"tickets.csv", "audits"}  # nothing else was left here


def test_what_the_page_quotes_is_said():
    sources = "".join(path.read_text("utf-8") for path in (PAGE.parents[1] / "src").rglob("*.py"))
    table = PAGE.read_text("utf-8").split("## When it does not work")[1]
    quoted = re.findall(r"^\| `(.*?)` \|", table, re.M)
    assert len(quoted) == 6
    for text in quoted:
        assert text in sources, text
