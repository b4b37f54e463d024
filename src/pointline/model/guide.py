"""llguidance's view of a tokenizer: built once for each, without reading its file again."""

from __future__ import annotations

import re
from typing import Any
from weakref import WeakKeyDictionary, ref

from pointline.errors import MissingExtra, ModelError
from pointline.model.plain import PlainTokenizer

__all__ = ["guide", "special_tokens"]

_TAG = re.compile(r"</?[a-z][a-z0-9]*>")  # which llguidance takes for special, and so do we
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_MARK = "\u2581"  # a blank, in the vocabularies of Gemma and Llama 2
_GUIDES: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def guide(tokenizer: Any) -> Any:
    """Return llguidance's view of a fast tokenizer; built once per tokenizer, which takes a second.

    Raises MissingExtra without llguidance, ModelError for a tokenizer that is not a fast one.
    """
    if tokenizer not in _GUIDES:
        _GUIDES[tokenizer] = _built(tokenizer)
    return _GUIDES[tokenizer]


def _built(tokenizer: Any) -> Any:
    try:
        import llguidance
    except ImportError:
        raise MissingExtra("llguidance", extra="hf") from None
    try:
        if spelled := _spelled(tokenizer):
            wrapped = llguidance.TokenizerWrapper(spelled)
            return llguidance.LLTokenizer(wrapped, eos_token=tokenizer.eos_token_id)
        if isinstance(tokenizer, PlainTokenizer):
            said = tokenizer.backend_tokenizer.to_str()
            return llguidance.LLTokenizer(said, eos_token=tokenizer.eos_token_id)
        from llguidance.hf import from_tokenizer

        return from_tokenizer(tokenizer)
    except ValueError as error:
        raise ModelError(f"this tokenizer cannot guide generation: {error}") from None


class _Spelled:
    """A tokenizer as llguidance takes one that it does not read itself."""

    def __init__(self, tokenizer: Any, tokens: list[bytes], special: list[int]) -> None:
        self.eos_token_id, self.bos_token_id = tokenizer.eos_token_id, tokenizer.bos_token_id
        self.tokens, self.special_token_ids = tokens, special
        self._tokenizer = ref(tokenizer)  # which is the key of _GUIDES: nothing would let go of it

    def __call__(self, text: str) -> list[int]:
        if not isinstance(text, str):  # so that it is given strings
            raise TypeError("a text is a string")
        tokenizer = self._tokenizer()
        if tokenizer is None:
            raise ModelError("the tokenizer that this guide is of is gone: keep it as long as this")
        ids: list[int] = tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, verbose=False
        ).input_ids
        return ids


def _spelled(tokenizer: Any) -> _Spelled | None:
    """Return a tokenizer of Gemma's kind with its tokens' bytes, None for any other.

    Such a one has byte tokens `<0x0A>`, and a mark for a blank in all others. Reading the 33 MB of
    Gemma's vocabulary a second and a third time takes five seconds; this takes one.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not getattr(backend.model, "byte_fallback", False):
        return None
    parts = [repr(part) for part in (backend.normalizer, backend.decoder)]
    if parts != [
        f'Replace(pattern=String(" "), content="{_MARK}")',
        f'Sequence(decoders=[Replace(pattern=String("{_MARK}"), content=" "), ByteFallback(),'
        " Fuse()])",
    ]:
        return None
    vocabulary = backend.get_vocab(with_added_tokens=True)
    tokens = [b""] * (max(vocabulary.values()) + 1)
    for token, at in vocabulary.items():
        byte = _BYTE.fullmatch(token) if token.startswith("<") else None
        tokens[at] = bytes([int(byte[1], 16)]) if byte else token.replace(_MARK, " ").encode()
    added = backend.get_added_tokens_decoder()
    for at, token in added.items():
        tokens[at] = token.content.encode()
    special = {at for at, token in added.items() if token.special}
    tags = ((token, at) for token, at in vocabulary.items() if token.startswith("<"))
    special.update(at for token, at in tags if _TAG.fullmatch(token))
    return _Spelled(tokenizer, tokens, sorted(special))


def special_tokens(tokenizer: Any) -> frozenset[int]:
    """Return the tokens that are no text to the tokenizer itself: `<eos>`, and not `<b>`.

    llguidance takes more for special, which matters under a grammar alone.
    """
    added = tokenizer.backend_tokenizer.get_added_tokens_decoder()
    return frozenset(at for at, token in added.items() if token.special)
