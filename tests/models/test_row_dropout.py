"""Parts of a batch get their rows of the mask that the whole batch would have got."""

import numpy as np
import pytest
import torch

from tunewright.models.heads import make_head
from tunewright.models.row_dropout import BatchMasks, RowDropout, share_masks

CPU = torch.device("cpu")
X = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
PARTS = (np.array([0, 1, 2]), np.array([3]), np.array([4, 5, 6]))


def test_alone_it_is_the_dropout_of_torch():
    torch.manual_seed(1)
    ours = RowDropout(0.4).train()(X)
    torch.manual_seed(1)
    assert torch.equal(ours, torch.nn.Dropout(0.4).train()(X))
    assert torch.equal(RowDropout(0.4).eval()(X), X)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_parts_are_rows_of_the_whole_and_leave_the_generator_where_it_would_be(kind):
    head = make_head(kind, inputs=5, outputs=3, dropout=0.4).train()
    if kind == "mlp":  # as it starts, its hidden layers add nothing
        torch.nn.init.normal_(head.last.weight)
    torch.manual_seed(3)
    whole, after = head(X), torch.get_rng_state()
    assert not torch.allclose(whole, head(X))
    torch.manual_seed(3)
    masks = BatchMasks(len(X), CPU)
    share_masks(head, masks)
    found = []
    for part in PARTS:
        masks.begin(part)
        found.append(head(X[part]))
    masks.close()
    share_masks(head, None)
    torch.testing.assert_close(torch.cat(found), whole)
    assert torch.equal(torch.get_rng_state(), after)


def test_what_else_draws_from_the_generator_goes_on_drawing():
    torch.manual_seed(3)
    head = make_head("linear", inputs=5, outputs=3, dropout=0.4).train()
    masks = BatchMasks(len(X), CPU)
    share_masks(head, masks)
    masks.begin(PARTS[0])
    head(X[PARTS[0]])
    first = torch.rand(())
    masks.close()
    assert torch.rand(()) != first
