"""Word scores that outlive a kill: computed once for all verbalizers, kept chunk by chunk.

A model that is not tuned gives a word the same probability whichever verbalizer asks, whatever is
aggregated and calibrated afterwards. So every text is read once, with the words of all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.errors import InputError
from pointline.study.verbalizer.refine import Scores
from pointline.study.verbalizer.scorer import Prompt, Scorer, score_prompts
from pointline.study.verbalizer.spelling import Spelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["keep_scores"]

_CHUNK = 32  # prompts whose scores are written together


def keep_scores(
    folder: Path,
    scorer: Callable[[], Scorer],
    prompts: Sequence[Prompt],
    words: Spelled,
    *,
    told: Callable[[int], None] | None = None,
) -> Scores:
    """Return the scores of words after prompts, from `folder` as far as they are there.

    What is missing is computed and written, prompts of like length together; `scorer` is called
    only then. Scores of other prompts or words have other names. `told` hears how many prompts
    are done.

    Raises InputError for a damaged file, and as `score_prompts` does.
    """
    import numpy as np

    values = np.empty((len(prompts), len(words.words)))
    by_length = sorted(range(len(prompts)), key=lambda at: len(prompts[at].ids))
    for start in range(0, len(prompts), _CHUNK):
        part = by_length[start : start + _CHUNK]
        chosen = [prompts[at] for at in part]
        file = folder / f"{_digest(chosen, words)}.npy"
        if not file.is_file():
            _write(file, score_prompts(scorer(), chosen, words).values)
        values[part] = _read(file, (len(part), len(words.words)))
        if told:
            told(start + len(part))
    return Scores(words.words, values)


def _digest(prompts: Sequence[Prompt], words: Spelled) -> str:
    asked: list[Any] = [[prompt.ids for prompt in prompts], sorted(words.tokens.items())]
    asked.append(list(words.words))
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


def _write(file: Path, values: NDArray[np.float64]) -> None:
    import numpy as np

    file.parent.mkdir(parents=True, exist_ok=True)
    work = file.with_name(f".{file.name}.partial")
    with work.open("wb") as out:
        np.save(out, values.astype(np.float32), allow_pickle=False)
    work.replace(file)


def _read(file: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    import numpy as np

    try:
        found = np.load(file, allow_pickle=False).astype(np.float64)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}): remove it") from None
    if found.shape != shape:
        raise InputError(f"{file} holds scores of another shape: remove it")
    return np.asarray(found)
