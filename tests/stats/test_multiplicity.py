import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.stats import holm


def rejected_step_by_step(p_values, level):
    """Holm's procedure as he states it: the i-th smallest against level / (m - i + 1), until the first failure."""
    rejected = set()
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > level / (len(p_values) - rank):
            break
        rejected.add(index)
    return rejected


@given(st.lists(st.floats(0, 1), max_size=12), st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_the_procedure_rejects(p_values, level):
    adjusted = holm(p_values)
    wanted = rejected_step_by_step(p_values, level)
    clear = {i for i, p in enumerate(adjusted) if abs(p - level) > 1e-12}
    assert {i for i in clear if adjusted[i] < level} == wanted & clear
    assert (adjusted >= np.asarray(p_values)).all() and (adjusted <= 1).all()


@pytest.mark.parametrize("bad", [[1.2], [-0.1], [float("nan")]])
def test_holm_refuses_what_is_no_p_value(bad):
    with pytest.raises(DataError):
        holm(bad)
