"""llguidance's view of a tokenizer: ours of Gemma's kind is the one that it makes itself."""

import pytest
from llguidance.hf import from_tokenizer
from tiny import tiny_records, tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from pointline.errors import ModelError
from pointline.model import guide

TEXTS = ["Ada wrote in Turin", "紫式部は🌳", "a\n\n<td>é", " two  blanks "]


@pytest.fixture(scope="module")
def tokenizer():
    """A tokenizer of Gemma's kind: a mark for blanks, byte tokens for what it has no other for."""
    whole = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    whole.normalizer = normalizers.Replace(" ", "\u2581")
    whole.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    whole.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    first = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=first, show_progress=False)
    whole.train_from_iterator((record.text for record in tiny_records(144)), trainer)
    whole = Tokenizer.from_str(_bytes_are_plain(whole))
    whole.add_tokens(["<td>", "two"])
    named = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>"}
    return PreTrainedTokenizerFast(tokenizer_object=whole, unk_token="<unk>", **named)


def _bytes_are_plain(whole):
    import json

    told = json.loads(whole.to_str())
    told["added_tokens"] = told["added_tokens"][:4]
    return json.dumps(told)


def test_it_is_the_one_that_llguidance_makes(tokenizer):
    assert guide._spelled(tokenizer) is not None
    ours, theirs = guide.guide(tokenizer), from_tokenizer(tokenizer)
    assert ours.vocab_size == theirs.vocab_size
    assert ours.eos_tokens == theirs.eos_tokens
    for token in range(theirs.vocab_size):
        assert ours.is_special_token(token) == theirs.is_special_token(token), token
        if not theirs.is_special_token(token):
            assert ours.decode_bytes([token]) == theirs.decode_bytes([token])
    for text in TEXTS:
        assert ours.tokenize_str(text) == theirs.tokenize_str(text)
    assert guide.guide(tokenizer) is ours


def test_another_kind_is_left_to_llguidance(tmp_path):
    tiny_tokenizer(tmp_path)
    other = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert guide._spelled(other) is None
    assert guide.guide(other).vocab_size == 512


def test_a_slow_tokenizer_is_refused():
    class Slow:
        pass

    with pytest.raises(ModelError, match="cannot guide generation"):
        guide.guide(Slow())


def test_a_tokenizer_that_nobody_has_is_let_go_of(tokenizer):
    import copy
    import gc
    import weakref

    other = copy.deepcopy(tokenizer)
    made, gone = guide.guide(other), weakref.ref(other)
    assert other in guide._GUIDES
    assert made.tokenize_str("Ada") == other("Ada", add_special_tokens=False).input_ids
    del other, made
    gc.collect()
    assert gone() is None


def test_what_is_no_text_to_the_tokenizer(tokenizer):
    names = tokenizer.convert_ids_to_tokens(sorted(guide.special_tokens(tokenizer)))
    assert names == ["<pad>", "<eos>", "<bos>", "<unk>"]  # and not <td>
