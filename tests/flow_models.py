"""Tiny decoders of many designs with random weights, and attention written out to check against."""

import warnings

import torch
from transformers import AttentionInterface, AttentionMaskInterface, AutoModelForCausalLM
from transformers import models as hf
from transformers.masking_utils import eager_mask

from pointline.study.flow.measure import Goal
from pointline.study.flow.prompt import Role
from pointline.study.flow.recorder import Layout, draw_positions, layout
from pointline.study.flow.roles import Tokens

VOCABULARY, LAYERS, HEADS = 97, 3, 6
_LIKE_LLAMA = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
}
_WIDE = {**_LIKE_LLAMA, "head_dim": 8}
_GEMMA = {**_WIDE, "sliding_window": 7, "query_pre_attn_scalar": 8}
_NEOX = {key: value for key, value in _LIKE_LLAMA.items() if key != "num_key_value_heads"}

#: Designs that take their attention from the registry.
WATCHED = {
    "llama": lambda: hf.llama.LlamaConfig(**_WIDE),
    "qwen2": lambda: hf.qwen2.Qwen2Config(**_LIKE_LLAMA),
    "qwen3": lambda: hf.qwen3.Qwen3Config(**_WIDE),
    "mistral, window 7": lambda: hf.mistral.MistralConfig(**_WIDE, sliding_window=7),
    "gemma2, window 7, cap 5": lambda: hf.gemma2.Gemma2Config(**_GEMMA, attn_logit_softcapping=5.0),
    "gemma3, window 7": lambda: hf.gemma3.Gemma3TextConfig(
        **_GEMMA, layer_types=["sliding_attention", "full_attention", "sliding_attention"]
    ),
    "gpt2": lambda: hf.gpt2.GPT2Config(
        vocab_size=VOCABULARY, n_embd=48, n_layer=LAYERS, n_head=HEADS, n_positions=128
    ),
    "phi": lambda: hf.phi.PhiConfig(**_LIKE_LLAMA),
    "phi3": lambda: hf.phi3.Phi3Config(**_LIKE_LLAMA),
    "neox": lambda: hf.gpt_neox.GPTNeoXConfig(**_NEOX),
    "olmo2": lambda: hf.olmo2.Olmo2Config(**_LIKE_LLAMA),
    "cohere": lambda: hf.cohere.CohereConfig(**_LIKE_LLAMA),
}

#: Designs that were made with others in mind; as decoders they take the registry's attention too.
_BERT = {
    "vocab_size": VOCABULARY, "hidden_size": 48, "intermediate_size": 64,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
}  # fmt: skip
OTHERS = {
    "bert": lambda: hf.bert.BertConfig(**_BERT, is_decoder=True),
    "bert, encoder": lambda: hf.bert.BertConfig(**_BERT),
    "roformer, encoder": lambda: hf.roformer.RoFormerConfig(**_BERT, embedding_size=48),
    "ctrl": lambda: hf.ctrl.CTRLConfig(
        vocab_size=VOCABULARY, n_embd=48, dff=64, n_layer=LAYERS, n_head=HEADS, n_positions=64
    ),
    "openai-gpt": lambda: hf.openai.OpenAIGPTConfig(
        vocab_size=VOCABULARY, n_embd=48, n_layer=LAYERS, n_head=HEADS, n_positions=64
    ),
}

#: Designs that only eager attention shows the maps of.
EAGER = {
    "gpt-neo": lambda: hf.gpt_neo.GPTNeoConfig(
        vocab_size=VOCABULARY, hidden_size=48, num_layers=LAYERS, num_heads=HEADS, window_size=7,
        attention_types=[[["global", "local", "global"], 1]], max_position_embeddings=64,
    ),
    "roformer": lambda: hf.roformer.RoFormerConfig(**_BERT, embedding_size=48, is_decoder=True),
    "gptj": lambda: hf.gptj.GPTJConfig(
        vocab_size=VOCABULARY, n_embd=48, n_layer=LAYERS, n_head=HEADS, rotary_dim=4, n_positions=64
    ),
    "bloom": lambda: hf.bloom.BloomConfig(
        vocab_size=VOCABULARY, hidden_size=48, n_layer=LAYERS, n_head=HEADS
    ),
    "gpt-oss, sinks": lambda: hf.gpt_oss.GptOssConfig(
        **_WIDE, sliding_window=7, num_local_experts=2, num_experts_per_tok=1,
    ),
}  # fmt: skip


def model_of(name: str, *, lora: bool = False, spread: float = 0.15):
    """A tiny model in float64, so far from its initial weights that attention is not even."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        config = {**WATCHED, **EAGER, **OTHERS}[name]()
        config._attn_implementation = "eager"
        model = AutoModelForCausalLM.from_config(config).double().eval()
        for parameter in model.parameters():
            parameter.data.add_(torch.randn_like(parameter) * spread)
        return _adapted(model) if lora else model


def _adapted(model):
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings():  # what peft asks of transformers is about to be renamed
        warnings.simplefilter("ignore", FutureWarning)
        made = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj", "o_proj"]))
    for name, parameter in made.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(0, 0.1)
    return made.double().eval().get_base_model()


def exact_norms(model) -> None:
    """Put norms in place that do not go through float32, so that small differences mean something."""
    for module in model.modules():
        if "RMSNorm" in type(module).__name__:
            module.forward = _norm(module)


def _norm(module):
    plus = 1 if "Gemma" in type(module).__name__ else 0
    least = getattr(module, "variance_epsilon", getattr(module, "eps", 1e-6))
    return lambda x: (
        x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + least) * (plus + module.weight)
    )


def tokens(length: int, seed: int = 0) -> Tokens:
    """A prompt of random tokens: one special, then text, frame, information, frame, the target."""
    chosen = torch.randint(3, VOCABULARY, (length,), generator=torch.Generator().manual_seed(seed))
    text, info = (length - 4) // 2, (length - 4) - (length - 4) // 2
    roles = [Role.SPECIAL, *[Role.TEXT] * text, Role.FRAME, *[Role.INFO] * info, Role.FRAME]
    roles += [Role.TARGET]
    return Tokens(
        tuple(chosen.tolist()), tuple(roles), ((0, 0),) * length, "", target=5, choices=(5, 9, 11)
    )


def batch_of(found: list[Tokens], draws: int = 4) -> tuple[Layout, Goal]:
    """The prompts as a left-padded batch in float64, and its goal."""
    drawn = [draw_positions(one, draws, seed=len(one)) for one in found]
    made = layout(found, drawn, pad=0, dtype=torch.float64)
    return made, goal_of(found)


def goal_of(found: list[Tokens]) -> Goal:
    return Goal(
        torch.tensor([one.target for one in found]),
        torch.tensor([one.choices for one in found]),
        torch.tensor([one.gold for one in found]),
    )


class Plain:
    """Attention written out, as a registered function; its maps are multiplied by ones.

    `ones[layer].grad` after a backward pass is A dL/dA, `maps[layer]` is A, and `added[layer]` is
    added to A.
    """

    def __init__(self) -> None:
        self.ones, self.maps, self.added = {}, {}, {}
        AttentionInterface.register("plain", self.attend)
        AttentionMaskInterface.register("plain", eager_mask)

    def attend(self, module, query, key, value, mask, scaling=None, softcap=None, **more):
        times = query.shape[1] // key.shape[1]
        key, value = (side.repeat_interleave(times, 1) for side in (key, value))
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        scores = query @ key.transpose(-1, -2) * scale
        if softcap:
            scores = torch.tanh(scores / softcap) * softcap
        layer = module.layer_idx
        weights = torch.softmax(scores + mask, -1)
        weights = weights + self.added.get(layer, 0)
        ones = torch.ones_like(weights, requires_grad=True)
        self.ones[layer], self.maps[layer] = ones, weights.detach()
        return ((weights * ones) @ value).transpose(1, 2).contiguous(), weights

    def products(self, model, made: Layout, goal: Goal, loss: str = "vocabulary"):
        """A dL/dA of every layer, [batch, heads, T, T]."""
        from pointline.study.flow.measure import logits_of

        model.set_attn_implementation("plain")
        losses = goal.losses(logits_of(model, made), loss)
        return torch.autograd.grad(losses.sum(), [self.ones[at] for at in range(LAYERS)])
