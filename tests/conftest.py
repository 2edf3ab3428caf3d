"""What every test shares: a home of its own, and a tiny encoder in the standard layout."""

from __future__ import annotations

from pathlib import Path

import pytest

SYLLABLES = ("ba", "ko", "li", "mu", "ra", "se", "ti", "vo", "ne", "da", "fi", "gu")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Caches and the ledger of looks never leave the test."""
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def tiny_words() -> list[str]:
    """144 invented words, all of them known to the tiny model's tokenizer."""
    return [a + b for a in SYLLABLES for b in SYLLABLES]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory, tiny_words) -> Path:
    """A folder with a BERT of 2 layers and width 32, random but always the same, and a WordPiece tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, BertTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("tiny-model")
    # The vocabulary is written down, not trained: training breaks ties another way in every process.
    signs = "abcdefghijklmnopqrstuvwxyz0123456789.,!?|"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *signs, *(f"##{sign}" for sign in signs), *tiny_words, "good", "bad", "the", "and"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=True).save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder
