"""What a training would take: memory and time, computed from the architecture, nothing loaded.

Weights, gradients, optimizer and what the backward pass needs are counted as `model.train` holds
them; what libraries keep beside (the CUDA context, fragments, buffers of communication) is not.
Time is the arithmetic over what the processors can do at a stated efficiency, which is an
assumption: a run tells its own speed from the first step on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pointline.model.settings import TrainConfig

__all__ = ["MACHINES", "Estimate", "Machine", "Shape", "Work", "estimate", "estimate_run"]

_CHUNK = 512  # rows of logits at a time (`model.loss`)
_ADAM = 16  # bytes of a trained parameter: itself, its gradient, two moments, all float32


@dataclass(frozen=True, slots=True)
class Machine:
    """`count` processors: bytes of the smallest, multiply-adds twice a second of the slowest.

    `efficiency` is the share of that speed which a training is assumed to reach.
    """

    name: str
    count: int
    memory: float
    speed: float
    efficiency: float


#: What the table in docs/training.md is for; speeds are the makers' for dense bfloat16.
MACHINES = (
    Machine("one H100 80GB", 1, 80e9, 989e12, 0.40),
    Machine("three A800 80GB and three RTX 6000 Ada 48GB", 6, 48e9, 312e12, 0.25),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder; `norms` is how many numbers a block's norms take in for a token."""

    hidden: int
    layers: int
    inner: int
    heads: int
    key_heads: int
    head_size: int
    vocabulary: int
    tied: bool
    norms: int = 0

    @classmethod
    def of(cls, model: Any) -> Shape:
        """Return the sizes of a transformers model, of the usual kind with gated blocks."""
        config = model.config
        heads = config.num_attention_heads
        plain = cls(
            hidden=config.hidden_size,
            layers=config.num_hidden_layers,
            inner=config.intermediate_size,
            heads=heads,
            key_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_size=getattr(config, "head_dim", None) or config.hidden_size // heads,
            vocabulary=config.vocab_size,
            tied=bool(config.tie_word_embeddings),
        )
        widths = {
            "q_norm": plain.heads * plain.head_size,
            "k_norm": plain.key_heads * plain.head_size,
        }
        found = [
            name for name, _ in model.get_decoder().layers[0].named_modules() if "norm" in name
        ]
        names = [name.rsplit(".", 1)[-1] for name in found]
        return replace(plain, norms=sum(widths.get(name, plain.hidden) for name in names))

    @property
    def block(self) -> int:
        """The weights of a block's linear layers."""
        attention = 2 * (self.heads + self.key_heads) * self.head_size
        return self.hidden * (attention + 3 * self.inner)

    @property
    def ends(self) -> int:
        """The weights of the embedding and of the output layer."""
        return self.hidden * self.vocabulary * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All weights but those of norms."""
        return self.layers * self.block + self.ends

    def adapter(self, rank: int) -> int:
        """The weights of LoRA on every linear layer."""
        query, key = self.heads * self.head_size, self.key_heads * self.head_size
        sides = 2 * (self.hidden + query) + 2 * (self.hidden + key) + 3 * (self.hidden + self.inner)
        return self.layers * rank * sides


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be learned, and how.

    `tokens` are all of the training, a share `completion` of them with loss; `batch` is how many
    are worked on at a time by all processors, `length` how many an example has.
    `rank` is LoRA's, 0 trains every weight; `size` is the bytes of the type computed in.
    """

    tokens: int
    completion: float = 0.45
    batch: int = 2048
    length: int = 128
    rank: int = 0
    size: int = 2
    checkpointing: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a training takes: bytes on each processor by what they are for, and seconds."""

    machine: str
    parameters: int
    trained: int
    weights: float
    optimizer: float
    activations: float
    logits: float
    available: float
    flops: float
    seconds: float

    @property
    def memory(self) -> float:
        """All bytes on a processor."""
        return self.weights + self.optimizer + self.activations + self.logits

    @property
    def fits(self) -> bool:
        """Whether that leaves a tenth of the processor's memory free, for what is not counted."""
        return self.memory < 0.9 * self.available

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready values."""
        return {**asdict(self), "memory": self.memory, "fits": self.fits}


def estimate(shape: Shape, work: Work, machine: Machine) -> Estimate:
    """Return what a training takes on a machine, which cuts the model up where it has parts.

    >>> small = Shape(640, 18, 2048, 4, 1, 256, 262_144, tied=True, norms=3840)
    >>> estimate(small, Work(10**6, rank=16), MACHINES[0]).trained
    3796992
    """
    trained = shape.adapter(work.rank) if work.rank else shape.parameters
    # where every weight is trained they are float32, and computing makes a copy of another type
    kept = work.size if work.rank else 4
    copy = 0 if kept == work.size else work.size
    weights: float = kept * shape.parameters + copy * shape.layers * shape.block
    optimizer: float = (_ADAM if work.rank else _ADAM - kept) * trained
    if machine.count > 1:  # put together: two blocks at a time, and the ends with their gradient
        whole = work.size * 2 * shape.block + (work.size + (0 if work.rank else 4)) * shape.ends
        weights = kept * shape.parameters / machine.count + whole
        optimizer /= machine.count
    per_token = _flops(shape, work)
    share = work.batch / machine.count
    rows = min(_CHUNK, share * work.completion)
    return Estimate(
        machine=machine.name,
        parameters=shape.parameters,
        trained=trained,
        weights=weights,
        optimizer=optimizer,
        activations=share * _kept(shape, work),
        logits=rows * shape.vocabulary * (work.size + 8),
        available=machine.memory,
        flops=per_token * work.tokens,
        seconds=per_token * work.tokens / (machine.count * machine.speed * machine.efficiency),
    )


def _flops(shape: Shape, work: Work) -> float:
    """Return the arithmetic for a token: 2 for each weight that it meets, and attention.

    Backward takes as much for the inputs' gradients, and as much again for the weights' where they
    are trained; checkpointing goes forward through the blocks twice.
    """
    attention = 4 * shape.heads * shape.head_size * work.length / 2
    body = shape.layers * (2 * shape.block + attention)
    head = 2 * shape.hidden * shape.vocabulary * work.completion
    passes = 2 if work.rank else 3
    narrow = 6 * shape.adapter(work.rank) if work.rank else 0
    return passes * (body + head) + narrow + (body if work.checkpointing else 0)


def _kept(shape: Shape, work: Work) -> float:
    """Return the bytes that a token's way through the blocks keeps for the way back.

    A norm keeps what it takes in and that scaled (float32), and what it gives out; attention its
    queries, keys, values and what it gives out; the gated part four of its inner width.
    """
    norms = (8 + work.size) * shape.norms
    attention = (3 * shape.heads + 2 * shape.key_heads) * shape.head_size
    block = norms + work.size * (attention + 4 * shape.inner)
    if not work.checkpointing:
        return shape.layers * block
    return shape.layers * 4 * shape.hidden + block


# ---------------------------------------------------------------- a run's


def estimate_run(config: TrainConfig, machines: Sequence[Machine] = MACHINES) -> list[Estimate]:
    """Return what a training of these settings would take; its data is read, its weights are not.

    Raises as `train` before its first step.
    """
    from pointline.corpus.store import read_dataset
    from pointline.model.backbone import outline
    from pointline.model.job import learned

    sets = [(Path(path), read_dataset(path)) for path in config.data]
    base = outline(config.base)
    examples = learned(config, sets, base)
    tokens = sum(len(example.tokens) for example in examples)
    work = Work(
        tokens=tokens * config.epochs,
        completion=sum(example.completion for example in examples) / tokens,
        batch=config.max_tokens_per_batch,
        length=round(tokens / len(examples)),
        rank=config.rank if config.method == "lora" else 0,
        size=4 if config.dtype == "float32" else 2,
        checkpointing=config.checkpointing,
    )
    return [estimate(Shape.of(base.model), work, machine) for machine in machines]
