"""What became of findings, in words."""

import pytest

from tunewright.records import Finding, Repair
from tunewright.report.effects import became


@pytest.mark.parametrize(("cells", "said"), [((1,), "1 cell"), ((1, 1), "2 cells"), ((1200,), "1,200 cells")])
def test_cells_that_were_put_right_are_counted(cells, said):
    finding = Finding(kind="mixed_format", severity="info", evidence=".", columns=("size",), remedy="parse_numbers")
    repairs = [Repair(remedy="parse_numbers", column="size", cells=count, what="read as numbers") for count in cells]
    assert became(finding, repairs, ()) == f"parse_numbers: put right when reading, {said}"
