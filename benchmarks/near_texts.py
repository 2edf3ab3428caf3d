"""Real texts with planted near-duplicates: typing slips, another case, a word more or less, other marks at the end."""

from __future__ import annotations

import json
import random

from sets import clinc150, goemotions, sms_spam, snips
from venvs import PEERS

FOLDER = PEERS / "near_duplicates"
PLANTED = 0.05  # of the rows
SIZES = {"requests and messages": 10_000, "comments": 20_000, "all": 50_000}
WORDS = ("please", "now", "thanks", "really", "again", "today", "ok", "well")
ENDS = (".", "!", "?", " ...", "!!", " :)")


def texts_file(name, rows):
    """A JSON file with distinct texts in a mixed order, one in twenty a changed copy of another one of them."""
    requests = [*clinc150()["text"], *snips()["text"], *sms_spam()["text"]]
    sources = {"requests and messages": requests, "comments": list(goemotions()["text"])}
    source = sources[name] if name in sources else [*sources["comments"], *requests]
    rng = random.Random(f"{name} {rows}")
    # To find texts that are equal to the letter is no feat.
    distinct = list(dict.fromkeys(text for text in source if text.strip()))
    copies = int(PLANTED * rows)
    texts = rng.sample(distinct, min(rows - copies, len(distinct)))
    texts += [changed(rng.choice(texts), rng) for _ in range(copies)]
    texts = list(dict.fromkeys(texts))
    rng.shuffle(texts)
    path = FOLDER / f"{name} {rows}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(texts), "utf-8")
    return path


def changed(text, rng):
    """The text as somebody else might write it: one to three of the changes."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        text = rng.choice((slip, slip, other_case, word_more, word_less, other_end))(text, rng)
    return text


def slip(text, rng):
    """A letter left out, doubled, swapped with the next or replaced."""
    if len(text) < 2:
        return text
    at = rng.randrange(len(text) - 1)
    left, here, then, rest = text[:at], text[at], text[at + 1], text[at + 2 :]
    other = rng.choice("abcdefghijklmnopqrstuvwxyz")
    return left + rng.choice((then, here + here + then, then + here, other + then)) + rest


def other_case(text, rng):
    return rng.choice((text.upper(), text.lower(), text.title(), text.capitalize()))


def word_more(text, rng):
    words = text.split(" ")
    words.insert(rng.randrange(len(words) + 1), rng.choice(WORDS))
    return " ".join(words)


def word_less(text, rng):
    words = text.split(" ")
    if len(words) > 3:
        words.pop(rng.randrange(len(words)))
    return " ".join(words)


def other_end(text, rng):
    return text.rstrip(".!? ") + rng.choice(ENDS)
