"""What can be built: the corpora, the sides of their split, and the recipes of the datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pointline.corpus.recipes import RECIPES, SIDES, Recipe
from pointline.corpus.sources import SOURCES, Source
from pointline.errors import CorpusError
from pointline.format import tasks

__all__ = ["CATALOGUE", "Catalogue"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The corpora by name, the shares of their sides, and the recipes by the name of the task."""

    sources: Mapping[str, Source]
    sides: Mapping[str, tuple[float, float]]
    recipes: Mapping[str, Recipe]

    def adding(
        self, source: Source, *, sides: tuple[float, float], recipes: Mapping[str, Recipe]
    ) -> Catalogue:
        """Return the catalogue with one more corpus; its recipes go before those that are there.

        `sides` are the shares of its documents on the training and the development side.
        """
        return Catalogue(
            {**self.sources, source.name: source},
            {**self.sides, source.name: sides},
            {**self.recipes, **recipes},
        )

    def recipe(self, name: str) -> Recipe:
        """Return how a dataset is made.

        Raises CorpusError for a task without a recipe, TaskError for a name that is no task.
        """
        if tasks.task(name) and name not in self.recipes:
            raise CorpusError(f"no recipe for {name}; there are: {', '.join(self.recipes)}")
        return self.recipes[name]

    def corpora(self, name: str) -> tuple[Source, ...]:
        """Return the corpora of a dataset, in the order of its recipe."""
        return tuple(self.sources[part.source] for part in self.recipes[name].parts)


#: What comes with pointline.
CATALOGUE = Catalogue(SOURCES, SIDES, RECIPES)
