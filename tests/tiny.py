"""A tiny model with random weights, its tokenizer, and records to train it on: made offline.

The texts are our own, from patterns; every record's label and items follow from its text.
"""

import itertools
import random
from pathlib import Path

from pointline.format.record import Pair, Record
from pointline.format.tasks import task
from pointline.model.batches import Sample

_NAMES = {
    "en": (["Ada", "Mary Anning", "O'Neill", "José"], ["Turin", "New York", "Lyme", "Kyoto"]),
    "ja": (["紫式部", "佐藤さん", "マリー", "ｱﾀﾞ"], ["京都", "東京駅", "札幌", "トリノ"]),
    "zh": (["李白", "王小明", "玛丽", "张三"], ["北京", "上海浦东", "西安", "都灵"]),
}
_PATTERNS = {
    "en": [
        ("{p} wrote a long novel in {g}.", 1),
        ("In {g}, {p} measured the tides at 10:30.", 2),
        ("{p} planted oaks near {g} 🌳.", 4),
    ],
    "ja": [
        ("{p}は{g}で長い小説を書いた。", 1),
        ("{g}で{p}が潮の満ち引きを調べた。", 2),
        ("{p}は{g}の近くに樫を植えた🌳。", 4),
    ],
    "zh": [
        ("{p}在{g}写了一部长篇小说。", 1),
        ("在{g}，{p}测量了潮汐。", 2),
        ("{p}在{g}附近种下橡树🌳。", 4),
    ],
}


def tiny_records(count: int = 32, seed: int = 0) -> list[Record]:
    """Records of scnm in three languages, at most 144 of them, in an order drawn by seed."""
    made = []
    for lang, patterns in _PATTERNS.items():
        asked = task(f"scnm-{lang}")
        people, places = asked.item_labels[0], asked.item_labels[4]
        names = _NAMES[lang]
        for (pattern, label), person, city in itertools.product(patterns, *names):
            text = pattern.format(p=person, g=city)
            found = [(people, person), (places, city)]
            pairs = [Pair(kind, e, text.index(e), text.index(e) + len(e)) for kind, e in found]
            made.append(
                Record(f"{asked.name}-{len(made):03}", asked.name, text, asked.labels[label], pairs)
            )
    random.Random(seed).shuffle(made)
    return made[:count]


def tiny_tokenizer(folder: Path) -> None:
    """Write a byte-level BPE tokenizer trained on the records: any text goes through it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<pad>", "<eos>", "<bos>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((record.text for record in tiny_records(144)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[("<bos>", 2)]
    )
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
    ).save_pretrained(folder)


def tiny_model(
    folder: Path, *, family: str = "gemma3", seed: int = 0, spread: float = 0.02
) -> Path:
    """Write a model of 2 layers and 64 dimensions with random weights; return its folder.

    The output layer of a narrow `spread` is flat: an adapter, which does not change it, needs 0.1.
    """
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

    sizes = {
        "vocab_size": 512,
        "initializer_range": spread,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if family == "gemma3":
            config = Gemma3TextConfig(
                **sizes,
                sliding_window=32,
                layer_types=["sliding_attention", "full_attention"],
                query_pre_attn_scalar=32,
            )
            model = Gemma3ForCausalLM(config)
        else:
            model = LlamaForCausalLM(LlamaConfig(**sizes))
    model.save_pretrained(folder)
    tiny_tokenizer(folder)
    return folder


def tiny_adapter(model, folder: Path, layers: list[str]) -> Path:
    """Write a LoRA adapter of a model whose matrices are random; return its folder."""
    import torch
    from peft import LoraConfig, get_peft_model

    from pointline.model.embedded import quiet

    with quiet():
        adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules=layers))
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.1)
    with quiet():
        adapted.save_pretrained(folder)
    return folder


def tiny_gguf(path: Path, seed: int = 0) -> Path:
    """Write the tiny Llama as a GGUF file, its matrices in Q8_0; return its path."""
    import gguf
    import orjson
    from safetensors.numpy import load_file

    folder = tiny_model(path.with_suffix(".folder"), family="llama", seed=seed)
    spec = orjson.loads((folder / "tokenizer.json").read_bytes())["model"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_feed_forward_length(128)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_key_length(32)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(512)
    writer.add_tokenizer_model("gpt2")
    tokens = sorted(spec["vocab"], key=spec["vocab"].get)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<") else 1 for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in spec["merges"]])
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(0)
    names = {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "input_layernorm": "attn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "model.layers.": "blk.",
    }
    for name, values in load_file(folder / "model.safetensors").items():
        for theirs, ours in names.items():
            name = name.replace(theirs, ours)
        kind = gguf.GGMLQuantizationType.Q8_0 if values.ndim == 2 else None
        data = gguf.quants.quantize(values, kind) if kind else values
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tiny_datasets(folder: Path, count: int = 32, dev: int = 0) -> tuple[str, ...]:
    """Write the records as three dataset folders, one a language; return their paths."""
    from pointline.corpus.store import write_dataset

    records = tiny_records(count + dev)
    paths = []
    for lang in _NAMES:
        asked = task(f"scnm-{lang}")
        train = [record for record in records[:count] if record.task == asked.name]
        look = [record for record in records[count:] if record.task == asked.name]
        splits = {"train": train, "dev": look} if dev else {"train": train}
        write_dataset(folder / asked.name, asked, splits, about={"licences": ["ours"]})
        paths.append(str(folder / asked.name))
    return tuple(paths)


def tiny_samples(records: list[Record]) -> list[Sample]:
    """Return the records as samples to learn from, each of its own task."""
    return [Sample(record, task(record.task), f"{record.task}/train.jsonl") for record in records]
