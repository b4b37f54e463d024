"""A sample that is shown: its tokens and the whole map of every layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pointline.errors import InputError
from pointline.study.flow.parts import read_npz
from pointline.study.flow.prompt import Role

if TYPE_CHECKING:
    from pointline.study.flow.parts import Array

__all__ = ["Shown", "read_shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One sample: `maps` is [L, T, T], the flow from the last index into the one before it."""

    id: str
    text: str
    spans: tuple[tuple[int, int], ...]
    roles: tuple[Role, ...]
    layers: tuple[int, ...]
    maps: Array

    @property
    def tokens(self) -> tuple[str, ...]:
        """The characters of each token; "" for what the tokenizer added."""
        return tuple(self.text[start:end] for start, end in self.spans)

    @property
    def into_target(self) -> Array:
        """The flow from each token into the target, [L, T]."""
        return self.maps[:, -1]

    @property
    def into_info(self) -> Array:
        """The flow from each token into all tokens of the information, [L, T]."""
        rows = [at for at, role in enumerate(self.roles) if role is Role.INFO]
        total: Array = self.maps[:, rows].sum(1)
        return total

    @property
    def edges(self) -> tuple[int, ...]:
        """Where the text and the information begin, and where each is over."""
        ends: list[int] = []
        for part in (Role.TEXT, Role.INFO):
            places = [at for at, role in enumerate(self.roles) if role is part]
            ends += [places[0], places[-1] + 1]
        return tuple(ends)

    def by_character(self, values: Array) -> Array:
        """Spread each token's value over its characters, [characters]; shared ones add up."""
        import numpy as np

        out = np.zeros(len(self.text))
        for (start, end), value in zip(self.spans, values, strict=True):
            if end > start:
                out[start:end] += value / (end - start)
        return out


def read_shown(path: Path) -> Shown:
    """Return the sample that a file of maps holds.

    Raises InputError for a file of another kind.
    """
    found = read_npz(path)
    try:
        return Shown(
            id=str(found["id"]),
            text=str(found["text"]),
            spans=tuple((int(start), int(end)) for start, end in found["spans"]),
            roles=tuple(Role(int(role)) for role in found["roles"]),
            layers=tuple(int(layer) for layer in found["layers"]),
            maps=found["maps"],
        )
    except KeyError as error:
        raise InputError(f"{path} is no file of maps ({error}): remove it and run again") from None
