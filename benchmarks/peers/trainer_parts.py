"""What the Trainer peer needs beside its run: rows, labels as numbers, the two models, batched outputs."""

from __future__ import annotations

import numpy as np
import polars as pl
import torch
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification


class Rows(torch.utils.data.Dataset):
    """Tokenised rows with encoded labels; lists, padded by the Trainer's own collator."""

    def __init__(self, frame, tokenizer, targets, max_length):
        pair = [frame["text_b"].to_list()] if "text_b" in frame.columns else []
        self.encoded = tokenizer(frame["text"].to_list(), *pair, truncation=True, max_length=max_length)
        self.targets = targets

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        return {name: values[i] for name, values in self.encoded.items()} | {"labels": self.targets[i]}


class MeanPooled(nn.Module):
    """The encoder's mean token vector at unit length and a linear head."""

    def __init__(self, folder, classes):
        super().__init__()
        self.encoder = AutoModel.from_pretrained(folder, dtype=torch.float32)
        self.classifier = nn.Linear(self.encoder.config.hidden_size, classes)

    def vectors(self, input_ids, attention_mask, token_type_ids=None):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)

    def forward(self, input_ids, attention_mask, token_type_ids=None, labels=None):
        logits = self.classifier(self.vectors(input_ids, attention_mask))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


def encode(frames):
    """Labels to numbers: class numbers, rows of zeros and ones, or standardised values."""
    labels = frames["train"]["label"]
    if labels.dtype.is_numeric():
        mean, scale = labels.mean(), labels.std() or 1.0
        return [], {part: ((frame["label"] - mean) / scale).to_list() for part, frame in frames.items()}, (mean, scale)
    if labels.dtype == pl.List:
        names = sorted(labels.explode().drop_nulls().unique().to_list())
        return (
            names,
            {p: [[float(n in row) for n in names] for row in f["label"].to_list()] for p, f in frames.items()},
            None,
        )
    names = sorted(labels.unique().to_list())
    numbers = {name: number for number, name in enumerate(names)}
    return names, {part: [numbers.get(v, -1) for v in frame["label"].to_list()] for part, frame in frames.items()}, None


def run_batches(compute, rows, tokenizer, bf16):
    """`compute` on every row in batches sorted by length; (n, k) in the rows' order."""
    order = sorted(range(len(rows)), key=lambda i: len(rows.encoded["input_ids"][i]))
    found = [None] * len(rows)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            batch = tokenizer.pad({name: [v[i] for i in some] for name, v in rows.encoded.items()}, return_tensors="pt")
            for i, row in zip(some, compute(**batch).float().numpy(), strict=True):
                found[i] = row
    return np.stack(found)


def start_head(model, data, tokenizer, bf16):
    """Set the head to a logistic regression on the frozen vectors; of three strengths the best on validation."""
    from sklearn.linear_model import LogisticRegression

    x = {part: run_batches(model.vectors, data[part], tokenizer, bf16) for part in ("train", "validation")}
    fits = [LogisticRegression(C=c, max_iter=1000).fit(x["train"], data["train"].targets) for c in (1.0, 10.0, 100.0)]
    best = max(fits, key=lambda fit: fit.score(x["validation"], data["validation"].targets))
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(best.coef_))
        model.classifier.bias.copy_(torch.from_numpy(best.intercept_))


def make_model(config, names, data, tokenizer):
    """The stock sequence classifier, whose head starts from noise, or mean pooling with a head from the regression."""
    if config.get("head") == "logreg":
        model = MeanPooled(config["model"], len(names))
        start_head(model, data, tokenizer, bool(config["args"].get("bf16")))
        return model
    multilabel = names and isinstance(data["train"].targets[0], list)
    kind = "multi_label_classification" if multilabel else "single_label_classification" if names else "regression"
    return AutoModelForSequenceClassification.from_pretrained(
        config["model"], num_labels=len(names) or 1, problem_type=kind, dtype=torch.float32
    )
