"""Run an exported text model with onnxruntime and tokenizers alone: no tunewright, no torch.

    tunewright export runs/NAME/bundle --to onnx --out exported
    python examples/onnxruntime_alone.py exported "My invoice is wrong again" "Where is my parcel?"

The graph holds the encoder, the pooling and the head. It does not hold what tunewright does around it: cleaning of text
(markup, Unicode forms, damaged encodings), the words and trees that may stand beside the network, thresholds and
costs. A model without words and trees, asked with clean text, answers here as it does there.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


def load(folder):
    """The session, the tokenizer and what the bundle says of itself."""
    about = json.loads((folder / "tunewright.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(about["preprocessing"]["max_length"])
    tokenizer.enable_padding(pad_id=0)
    return onnxruntime.InferenceSession(folder / "model.onnx"), tokenizer, about


def probabilities(session, tokenizer, about, texts):
    """(n, K) of the labels, in their order."""
    encoded = tokenizer.encode_batch(texts)
    feed = {
        "input_ids": np.array([one.ids for one in encoded], np.int64),
        "attention_mask": np.array([one.attention_mask for one in encoded], np.int64),
    }
    (outputs,) = session.run(["outputs"], feed)
    scaled = outputs.astype(np.float64) / about["decision"]["temperature"]
    powers = np.exp(scaled - scaled.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def main(folder, *texts):
    """Print one JSON object per text."""
    session, tokenizer, about = load(Path(folder))
    if about["lexical_share"] or about.get("trees_share"):
        print("Words or trees stand beside this network: tunewright's answers differ from these.", file=sys.stderr)
    labels = about["task"]["labels"]
    for text, row in zip(texts, probabilities(session, tokenizer, about, list(texts)), strict=True):
        best = int(row.argmax())
        print(json.dumps({"text": text, "prediction": labels[best], "confidence": float(row[best])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
