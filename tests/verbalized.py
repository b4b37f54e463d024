"""Tiny models of three kinds with random weights, records and word lists, for the verbalizers."""

import json
from pathlib import Path

from tiny import tiny_model, tiny_records, tiny_tokenizer

from pointline.corpus.store import write_dataset
from pointline.format.tasks import task

#: Words that the tiny tokenizer writes in one token or many, in three languages.
WORDS = {
    "en": (" novel", " tides", " oaks", " Turin", " measured", " o", " near Turin"),
    "ja": ("小説", "長い小説", "潮", "樫", "政治家", "文学", "文"),
    "zh": ("小说", "长篇小说", "潮汐", "橡树", "恐怖袭击", "恐怖", "学"),
}


def tiny_t5(folder: Path, *, seed: int = 0) -> Path:
    """Write an encoder-decoder of 2 layers with a sentinel; return its folder."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=516, d_model=48, d_kv=12, d_ff=64, num_layers=2, num_heads=4,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, dropout_rate=0.0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = T5ForConditionalGeneration(config)
        torch.nn.init.normal_(model.shared.weight, std=1.0)
    return _written(model, folder, sentinel="<extra_id_0>")


def tiny_bert(folder: Path, *, seed: int = 0) -> Path:
    """Write a masked model of 2 layers; return its folder."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=516, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=160, pad_token_id=0,
        initializer_range=0.3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForMaskedLM(config)
    return _written(model, folder, mask_token="[MASK]", cls_token="[CLS]", sep_token="[SEP]")


def _written(model, folder: Path, *, sentinel: str = "", **special: str) -> Path:
    from transformers import PreTrainedTokenizerFast

    model.save_pretrained(folder)
    tiny_tokenizer(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.add_special_tokens(dict(special))
    if sentinel:
        tokenizer.add_tokens([sentinel], special_tokens=True)
    assert len(tokenizer) <= model.config.vocab_size
    tokenizer.save_pretrained(folder)
    return folder


def tiny_causal(folder: Path) -> Path:
    """Write a causal model whose scores differ much from word to word; return its folder."""
    return tiny_model(folder, spread=0.3)


def tiny_gpt2(folder: Path, *, window: int = 64) -> Path:
    """Write a causal model with a vector for each place: there is none behind its window."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=512, n_positions=window, n_embd=48, n_layer=2, n_head=4, initializer_range=0.3,
        bos_token_id=2, eos_token_id=1, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT2LMHeadModel(config)
    model.save_pretrained(folder)
    tiny_tokenizer(folder)
    return folder


def tiny_classified(folder: Path, *, test: int = 12, langs=("en", "ja", "zh")) -> tuple[str, ...]:
    """Write datasets of the tiny records with a test split; return their folders."""
    records = tiny_records(144)
    paths = []
    for lang in langs:
        asked = task(f"scnm-{lang}")
        mine = [record for record in records if record.task == asked.name]
        known = [record for record in mine if record.label in asked.labels]
        # every class needs a record with items: the patterns have three of five
        made = _with_all_labels(known, asked.labels)
        splits = {"train": made[test:], "test": made[:test]}
        write_dataset(folder / asked.name, asked, splits, about={"licences": ["ours"]})
        paths.append(str(folder / asked.name))
    return tuple(paths)


def _with_all_labels(records, labels):
    from dataclasses import replace

    return [
        replace(record, label=labels[at % len(labels)]) if at % 3 == 0 else record
        for at, record in enumerate(records)
    ]


def word_file(path: Path, lang: str) -> Path:
    """Write a list of related words for scnm; return its path."""
    labels = task(f"scnm-{lang}").labels
    words = [word.strip() for word in WORDS[lang]]
    path.write_text(json.dumps({c: words[at : at + 3] for at, c in enumerate(labels)}))
    return path
