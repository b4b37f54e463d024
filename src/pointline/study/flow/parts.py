"""What a study has measured, on disk: one file for each batch, so that a kill loses a batch.

<dataset>/<stage>/00012.npz   the arrays of a batch, one row a sample, the ids among them
<dataset>/maps/00003.npz      the whole maps of a sample that is shown

A stage is the model itself, the knockouts, or a model of random weights. No pickle is read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Measured", "Parts", "read_npz", "write_npz"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of n samples in L layers, with R roles and D random sets of positions.

    `table` is [n, L, R, R], the sum of the flow from the tokens of one role (last) into those of
    another, `reached` how many pairs the layer's mask lets see each other, `pairs` [n, R, R] how
    many there are. `null` is [n, L, D, 2]: into a random set, from it into the target; `null_pairs`
    [n, D, 2]. `estimate` is [n, L, 2], the knockouts' effect to first order (`recorder.EDGES`).
    `loss` [n] is in nats, `right` [n] whether the likeliest answer was the target.
    """

    ids: tuple[str, ...]
    layers: tuple[int, ...]
    table: Array
    reached: Array
    pairs: Array
    null: Array
    null_pairs: Array
    estimate: Array
    loss: Array
    right: Array
    length: Array


class Parts:
    """The finished batches of one stage of one dataset."""

    def __init__(self, folder: Path) -> None:
        """Look at what is there; what a killed process left half written is not."""
        self._folder = folder

    def done(self) -> set[str]:
        """Return the ids of the samples that are finished."""
        return {id for file in self._files() for id in map(str, read_npz(file)["ids"])}

    def add(self, arrays: Mapping[str, Any]) -> None:
        """Write a batch; it is there whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(file.stem) for file in self._files()]
        write_npz(self._folder / f"{max(numbers, default=-1) + 1:05}.npz", arrays)

    def read(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of all samples, one behind the other; empty where there are none."""
        import numpy as np

        found = [read_npz(file) for file in self._files()]
        if not found:
            return {}
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}

    def measured(self) -> Measured | None:
        """Return the samples in the order of their ids, None where there are none.

        Raises InputError for files of another kind.
        """
        import numpy as np

        found = self.read()
        if not found:
            return None
        ids = [str(id) for id in found.pop("ids")]
        order = np.argsort(np.array(ids), kind="stable")
        try:
            layers = tuple(int(layer) for layer in found.pop("layers")[0])
            arrays: dict[str, Any] = {k: v[order].astype(np.float64) for k, v in found.items()}
            return Measured(tuple(ids[at] for at in order), layers, **arrays)
        except (KeyError, TypeError) as error:
            raise InputError(f"{self._folder}: no batches of this version ({error})") from None

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.npz"))


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a file, all of it or nothing."""
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.partial")
    with work.open("wb") as file:
        np.savez_compressed(file, **arrays)
    work.replace(path)


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file.

    Raises InputError for a file that is none, or that holds Python objects.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read ({error}): remove it and run again") from None
