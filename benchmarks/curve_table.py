"""A long table of the kind people bring: a text of real phrases put together anew, numbers, categories, a date, an id.

As a program it takes the rows, the least and the greatest number of words, and the csv file to write.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
from sets import clinc150, emobank, goemotions, sms_spam, snips

STEP = 100_000  # rows made at once
PHRASE = 6  # words that are taken together
RARE = 200_000  # words with a slip, and numbers
OTHER, FLIPPED, COPIED, RETYPED, MISSING = 0.1, 0.03, 0.005, 0.01, 0.03
LABELS = ("request", "command", "message", "comment", "report")


def main(rows, least, most, path):
    """Write the table, the same one for the same arguments."""
    rng = np.random.default_rng(rows + most)
    streams = [frame["text"].str.split(" ").explode().drop_nulls() for frame in texts()]
    ends = np.cumsum([len(stream) for stream in streams])
    words = pl.concat([*streams, *rare_words(pl.concat(streams), rng)])
    frames = [part(rng, min(STEP, rows - start), (least, most), words, ends) for start in range(0, rows, STEP)]
    frame = with_copies(pl.concat(frames), words, rng)
    frame = frame.with_row_index("ticket").with_columns(pl.format("T-{}", pl.col("ticket") + 1_000_000).alias("ticket"))
    unfinished = path.with_name(f"unfinished {path.name}")
    frame.write_csv(unfinished)
    unfinished.replace(path)
    print(json.dumps({"rows": len(frame)}))


def texts():
    """The sets whose phrases are used, in the order of the labels."""
    return clinc150(), snips(), sms_spam(), goemotions(), emobank()


def rare_words(words, rng):
    """Words with a slip, and numbers: what makes real texts differ from each other."""
    drawn = words.gather(rng.integers(len(words), size=RARE)).to_list()
    at = (rng.random(RARE) * [len(word) for word in drawn]).astype(int).tolist()
    letters = rng.integers(ord("a"), ord("z") + 1, RARE).astype(np.uint8).tobytes().decode()
    slips = [word[:k] + letter + word[k + 1 :] for word, k, letter in zip(drawn, at, letters, strict=True)]
    return pl.Series(slips), pl.Series(rng.integers(10, 100_000, RARE)).cast(pl.String)


def part(rng, rows, between, words, ends):
    """Some rows: the label says from which set their phrases are, now and then wrongly."""
    label = rng.integers(len(LABELS), size=rows)
    counts = rng.integers(between[0], between[1] + 1, rows)
    owner = np.repeat(np.arange(rows), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.concatenate([[0], ends[:-1]])
    # Each phrase starts anywhere in its set: two rows rarely share more than one.
    phrase = np.cumsum(place % PHRASE == 0) - 1
    owners = owner[place % PHRASE == 0]
    low, high = first[label[owners]], ends[label[owners]] - PHRASE
    start = low + (rng.random(len(owners)) * (high - low)).astype(np.int64)
    index = start[phrase] + place % PHRASE
    other = rng.random(len(index)) < OTHER
    index[other] = rng.integers(len(words), size=int(other.sum()))
    text = pl.DataFrame({"row": owner, "word": words.gather(index)}).group_by("row", maintain_order=True)
    flipped = rng.random(rows) < FLIPPED
    label[flipped] = rng.integers(len(LABELS), size=int(flipped.sum()))
    days = pl.Series(rng.integers(0, 1000, rows)).cast(pl.Int32)
    return pl.DataFrame(
        {
            "text": text.agg(pl.col("word").str.join(" "))["word"],
            "amount": pl.Series(np.round(rng.lognormal(3, 1, rows), 2)).set(
                pl.Series(rng.random(rows) < MISSING), None
            ),
            "quantity": rng.integers(1, 20, rows),
            "channel": pl.Series(["mail", "phone", "web", "chat", "shop"]).gather(rng.integers(5, size=rows)),
            "product": pl.Series([f"product {k}" for k in range(40)]).gather(
                (40 * rng.random(rows) ** 2).astype(np.int64)
            ),
            "created": (pl.select(pl.lit(19_000, pl.Int32) + days).to_series()).cast(pl.Date).cast(pl.String),
            "label": pl.Series(LABELS).gather(label),
        }
    )


def with_copies(frame, words, rng):
    """Some rows repeat another one to the letter, some with one word changed."""
    rows = len(frame)
    copied, retyped = int(COPIED * rows), int(RETYPED * rows)
    to = rng.permutation(rows)[: copied + retyped]
    source = rng.integers(rows, size=len(to))
    texts = frame["text"].gather(source).to_list()
    for place in range(copied, len(texts)):
        cut = texts[place].split(" ")
        cut[int(rng.integers(len(cut)))] = words[int(rng.integers(len(words)))]
        texts[place] = " ".join(cut)
    order = np.arange(rows)
    order[to[:copied]] = source[:copied]
    held = frame[order]["text"].to_numpy().copy()
    held[to] = texts
    return frame[order].with_columns(pl.Series("text", held.tolist()))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]), Path(sys.argv[4]))
