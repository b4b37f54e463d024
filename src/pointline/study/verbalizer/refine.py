"""From the probabilities of label words to those of classes, and what they tell about the words.

With p(w|x) the probability of word w after text x, S a set of support texts:

    prior         P(w) = mean over x in S of p(w|x)
    calibrated    p(w|x) / P(w), which takes off what a model expects whatever the text is
    mean          s(c|x) = sum of a(w) log p(w|x) / sum of a(w), over the words w of class c
    max           s(c|x) = max of log a(w) p(w|x)
    log-sum       s(c|x) = log of the sum of a(w) p(w|x)

a(w) are the weights of the words, 1 if they were not learned. All is in natural logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from pointline.errors import InputError
from pointline.study.verbalizer.verbalizer import LabelWord, Verbalizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "AGGREGATES",
    "Aggregate",
    "Scores",
    "aggregate",
    "calibrated",
    "frequent",
    "learned",
    "prior",
    "probabilities",
    "relevant",
]

Aggregate = Literal["mean", "max", "log-sum"]
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)

_STEPS, _RATE, _PULL = 200, 0.05, 0.03  # of learning weights: Adam's steps and rate, the penalty


@dataclass(frozen=True, slots=True)
class Scores:
    """Log-probabilities of words after texts: `values` is (texts, words).

    Raises InputError where the shape is another.
    """

    words: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.words):
            raise InputError(f"{len(self.words)} words have no scores of {self.values.shape}")

    def columns(self, words: Sequence[LabelWord]) -> NDArray[np.float64]:
        """Return the log-probabilities of these words: (texts, these words).

        Raises InputError for a word that was not scored.
        """
        at = {word: number for number, word in enumerate(self.words)}
        missing = [word.text for word in words if word.text not in at]
        if missing:
            raise InputError(f"the label word {missing[0]!r} was not scored")
        return self.values[:, [at[word.text] for word in words]]

    def rows(self, numbers: Sequence[int]) -> Scores:
        """Return the scores of some of the texts."""
        return Scores(self.words, self.values[list(numbers)])


# ---------------------------------------------------------------- calibration


def prior(support: Scores) -> NDArray[np.float64]:
    """Return log P(w): of each word, the logarithm of its mean probability over support texts.

    Support is unlabelled texts, or texts without content ("N/A").

    Raises InputError without support texts.

    >>> import numpy as np
    >>> np.exp(prior(Scores(("a",), np.log([[0.2], [0.4]])))).round(4).tolist()
    [0.3]
    """
    import numpy as np

    if not len(support.values):
        raise InputError("a prior needs support texts")
    found: NDArray[np.float64] = _log_sum(support.values, axis=0) - np.log(len(support.values))
    return found


def calibrated(scores: Scores, log_prior: NDArray[np.float64]) -> Scores:
    """Return log p(w|x) - log P(w)."""
    return Scores(scores.words, scores.values - log_prior)


# ---------------------------------------------------------------- aggregation


def aggregate(
    verbalizer: Verbalizer, scores: Scores, how: Aggregate = "mean"
) -> NDArray[np.float64]:
    """Return s(c|x): (texts, classes), the classes in the verbalizer's order.

    Raises InputError for a word that was not scored, or another way to aggregate.
    """
    import numpy as np

    if how not in AGGREGATES:
        raise InputError(f"probabilities are aggregated by {', '.join(AGGREGATES)}, got {how!r}")
    found = []
    for words in verbalizer.classes.values():
        values, weights = scores.columns(words), np.array([word.weight for word in words])
        if how == "mean":
            found.append(values @ weights / weights.sum())
        elif how == "max":
            found.append((values + np.log(weights)).max(axis=1))
        else:
            found.append(_log_sum(values + np.log(weights), axis=1))
    return np.stack(found, axis=1)


def probabilities(classes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax of class scores: (texts, classes), rows that sum to 1."""
    import numpy as np

    shifted = np.exp(classes - classes.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return found


# ---------------------------------------------------------------- refinement


def frequent(verbalizer: Verbalizer, support: Scores, *, share: float = 0.5) -> Verbalizer:
    """Return the words of largest prior: `share` of every class, one word at least.

    Words that a model never expects at the open place tell little about a text there.

    Raises InputError for a share that is none, and as `prior` does.
    """
    if not 0 < share <= 1:
        raise InputError(f"the share of words to keep is above 0 and at most 1, got {share}")
    log_prior = dict(zip(support.words, prior(support).tolist(), strict=True))

    def kept(_label: str, words: tuple[LabelWord, ...]) -> Callable[[LabelWord], bool]:
        count = max(1, round(share * len(words)))
        best = sorted(words, key=lambda word: -log_prior[word.text])[:count]
        return lambda word: word in best

    return _filtered(verbalizer, kept)


def relevant(verbalizer: Verbalizer, support: Scores, names: Mapping[str, str]) -> Verbalizer:
    """Return the words that go with the name of their own class more than with others.

    r(w, c) is the cosine of two vectors over the support texts: p(w|x) and p(v|x), v the name of
    class c. A word of class c stays where r(w, c) is at least its mean over the other classes
    (Hu et al. 2022); of a class without such a word, the best one stays.

    Raises InputError where a class has no name, or a name was not scored.
    """
    import numpy as np

    lacking = [label for label in verbalizer.classes if label not in names]
    if lacking:
        raise InputError(f"relevance needs a name of class {lacking[0]!r}")
    labels = list(verbalizer.classes)
    towards = _unit(support.columns([LabelWord(names[label]) for label in labels]))

    def kept(label: str, words: tuple[LabelWord, ...]) -> Callable[[LabelWord], bool]:
        cosines = _unit(support.columns(words)).T @ towards
        own = cosines[:, labels.index(label)]
        excess = own - (cosines.sum(axis=1) - own) / (len(labels) - 1)
        best = {words[int(np.argmax(excess))]}
        best |= {word for word, more in zip(words, excess, strict=True) if more >= 0}
        return best.__contains__

    return _filtered(verbalizer, kept)


def learned(verbalizer: Verbalizer, scores: Scores, labels: Sequence[str]) -> Verbalizer:
    """Return the verbalizer with weights learned from labelled texts; the model stays as it is.

    The weights of a class are a softmax of one number for each word; these numbers minimise the
    cross entropy of the aggregate "mean" plus a penalty that pulls them to equal weights. The same
    input gives the same weights.

    Raises InputError for a label that is no class, or a word that was not scored.
    """
    import numpy as np

    classes = list(verbalizer.classes)
    strange = [label for label in labels if label not in classes]
    if strange or len(labels) != len(scores.values):
        raise InputError(
            f"{len(scores.values)} texts are labelled by {', '.join(classes)}, got {len(labels)}"
            f" labels{f', one of them {strange[0]!r}' if strange else ''}"
        )
    gold = np.array([classes.index(label) for label in labels])
    blocks = [scores.columns(words) for words in verbalizer.classes.values()]
    found = _descend(blocks, gold)
    return replace(
        verbalizer,
        classes={
            label: tuple(
                replace(word, weight=max(float(weight), 1e-9) * len(words))
                for word, weight in zip(words, weights, strict=True)
            )
            for (label, words), weights in zip(verbalizer.classes.items(), found, strict=True)
        },
    )


def _descend(
    blocks: Sequence[NDArray[np.float64]], gold: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """Return the weights of each class: Adam on the mean cross entropy."""
    import numpy as np

    cuts = np.cumsum([block.shape[1] for block in blocks])[:-1]
    theta = np.zeros(sum(block.shape[1] for block in blocks))
    first, second = np.zeros_like(theta), np.zeros_like(theta)
    for step in range(1, _STEPS + 1):
        weights = [_softmax(part) for part in np.split(theta, cuts)]
        classes = np.stack([b @ w for b, w in zip(blocks, weights, strict=True)], axis=1)
        error = probabilities(classes)
        error[np.arange(len(gold)), gold] -= 1
        slopes = [
            w * ((b - (b @ w)[:, None]) * error[:, [at]]).mean(axis=0)
            for at, (b, w) in enumerate(zip(blocks, weights, strict=True))
        ]
        slope = np.concatenate(slopes) + _PULL * theta
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        moved = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        theta = theta - _RATE * moved
    return [_softmax(part) for part in np.split(theta, cuts)]


# ---------------------------------------------------------------- arithmetic


def _filtered(
    verbalizer: Verbalizer,
    kept: Callable[[str, tuple[LabelWord, ...]], Callable[[LabelWord], bool]],
) -> Verbalizer:
    return replace(
        verbalizer,
        classes={
            c: tuple(filter(kept(c, words), words)) for c, words in verbalizer.classes.items()
        },
    )


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = probabilities(values[None])[0]
    return found


def _log_sum(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    import numpy as np

    most = values.max(axis=axis, keepdims=True)
    found: NDArray[np.float64] = np.log(np.exp(values - most).sum(axis=axis)) + most.squeeze(axis)
    return found


def _unit(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return e to each column, scaled to length 1; a column's largest value is taken off before."""
    import numpy as np

    raised = np.exp(columns - columns.max(axis=0, keepdims=True))
    found: NDArray[np.float64] = raised / np.sqrt((raised**2).sum(axis=0, keepdims=True))
    return found
