"""A network with fewer layers, taught by the whole one: the same outputs and the same vectors for the same rows.

Source: Sanh et al. (2019), DistilBERT, for starting from the teacher's own layers; Hinton et al. (2015) for soft
targets. Shapes: n rows, B of a batch, F features of the head, K outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunewright.errors import ExportError
from tunewright.events import Event, Observer
from tunewright.models.inputs import Inputs, cut_batches, evaluation_batches
from tunewright.tasks import Classification, Multilabel, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tunewright.models.network import Network

Array = np.ndarray[Any, np.dtype[Any]]
ROWS: Final = 32
TOKENS: Final = 4096
SOFTNESS: Final = 2.0  # temperature of the soft targets: also what the teacher thinks unlikely is learned
WARM_UP: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How a student is taught.

    Args:
        epochs: passes over the rows.
        rate: the highest learning rate.
        seed: of the order of the batches.
    """

    epochs: int
    rate: float
    seed: int = 0


def thinned(network: Network, keep: Sequence[int]) -> Network:
    """A copy with those of the encoder's layers alone.

    Raises:
        ExportError: the encoder's layers do not stand in one list.
    """
    student = copy.deepcopy(network).float()
    assert student.encoder is not None
    model = student.encoder.model
    blocks = layer_list(model)
    kept = [blocks[place] for place in keep]
    del blocks[:]
    blocks.extend(kept)
    model.config.num_hidden_layers = len(kept)
    return student


def layer_list(model: Any) -> nn.ModuleList:
    """The encoder's layers.

    Raises:
        ExportError: there is not exactly one list of as many modules as the configuration says.
    """
    from torch import nn

    wanted = model.config.num_hidden_layers
    found = [one for one in model.modules() if isinstance(one, nn.ModuleList) and len(one) == wanted]
    if len(found) != 1:
        raise ExportError(
            "Layers can be left out where an encoder has them in one list. "
            f"This one has {len(found)} lists of {wanted}. Export to onnx-int8."
        )
    return found[0]


def distil(
    student: Network,
    teacher: Network,
    *,
    task: Task,
    train: Inputs,
    held_out: Inputs,
    lesson: Lesson,
    observe: Observer,
) -> list[float]:
    """Teach the student in place; it ends as it was after the epoch that was nearest to the teacher on held-out rows.

    Returns:
        Mean loss on the held-out rows, before the first epoch and after each.
    """
    import torch

    known, asked = _answers(teacher, train), _answers(teacher, held_out)
    free = _freed(student)
    optimizer = torch.optim.AdamW(free, lr=lesson.rate, weight_decay=0.01)
    order = np.random.default_rng(lesson.seed)
    batches = cut_batches(np.argsort(train.lengths, kind="stable"), train.lengths, ROWS, TOKENS)
    steps = lesson.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, steps))
    losses = [_held_out_loss(student, task, held_out, asked)]
    best = copy.deepcopy(student.state_dict())
    for epoch in range(lesson.epochs):
        for done, place in enumerate(order.permutation(len(batches))):
            loss = _loss(student, task, train, batches[place], known).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(free, 1.0)
            optimizer.step()
            schedule.step()
            data = {"done": epoch * len(batches) + done + 1, "total": steps, "train_loss": float(loss.detach())}
            observe(Event(station="distil", what="progress", data=data))
        losses.append(_held_out_loss(student, task, held_out, asked))
        if losses[-1] <= min(losses):
            best = copy.deepcopy(student.state_dict())
    student.load_state_dict(best)
    student.eval()
    return losses


def _freed(student: Network) -> list[Any]:
    """What trains: all but the word embeddings, of which a batch touches little."""
    from torch import nn

    frozen = {id(p) for layer in student.modules() if isinstance(layer, nn.Embedding) for p in layer.parameters()}
    for parameter in student.parameters():
        parameter.requires_grad_(id(parameter) not in frozen)
    return [parameter for parameter in student.parameters() if parameter.requires_grad]


def _share(step: int, steps: int) -> float:
    """Of the learning rate: up over the first tenth, then straight down to nothing."""
    warm = max(int(WARM_UP * steps), 1)
    return min((step + 1) / warm, max((steps - step) / max(steps - warm, 1), 0.0))


def _answers(teacher: Network, inputs: Inputs) -> tuple[Array, Array]:
    """(n, F) what the teacher's head sees, and (n, K) what it says."""
    import torch

    teacher = copy.deepcopy(teacher).float().eval()
    device = next(teacher.parameters()).device
    seen: list[Any] = [None] * len(inputs)
    with torch.inference_mode():
        for rows in evaluation_batches(inputs.lengths, tokens=TOKENS):
            features = teacher.features(*inputs.tensors(rows, device))
            outputs = teacher.head(features)
            for row, one, other in zip(rows.tolist(), features.cpu().numpy(), outputs.cpu().numpy()):
                seen[row] = one, other
    return np.stack([one for one, _ in seen]), np.stack([other for _, other in seen])


def _held_out_loss(student: Network, task: Task, inputs: Inputs, asked: tuple[Array, Array]) -> float:
    import torch

    student.eval()
    with torch.inference_mode():
        total = sum(
            float(_loss(student, task, inputs, rows, asked).sum())
            for rows in evaluation_batches(inputs.lengths, tokens=TOKENS)
        )
    return total / len(inputs)


def _loss(student: Network, task: Task, inputs: Inputs, rows: Array, known: tuple[Array, Array]) -> Tensor:
    """(B,) distance of the answers, and of what the head sees."""
    import torch

    device = next(student.parameters()).device
    features, outputs = (torch.from_numpy(one[rows]).to(device) for one in known)
    seen = student.features(*inputs.tensors(rows, device))
    return _apart(task, student.head(seen), outputs) + ((seen - features) ** 2).mean(-1)


def _apart(task: Task, said: Tensor, wanted: Tensor) -> Tensor:
    """(B,) cross-entropy with soft targets, above the least it can be; of a regression the squared distance."""
    from torch.nn import functional

    if isinstance(task, Classification):
        target = functional.log_softmax(wanted / SOFTNESS, -1)
        found = functional.log_softmax(said / SOFTNESS, -1)
        return SOFTNESS**2 * (target.exp() * (target - found)).sum(-1)
    if isinstance(task, Multilabel):
        target = wanted.sigmoid()
        least = functional.binary_cross_entropy_with_logits(wanted, target, reduction="none")
        return (functional.binary_cross_entropy_with_logits(said, target, reduction="none") - least).sum(-1)
    return ((said - wanted) ** 2).sum(-1)
