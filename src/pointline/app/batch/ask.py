"""What is asked of every text, and an answer to each: a prediction, or the error it ended in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pointline.errors import BudgetSpent, MissingExtra, NoAnswer, PointlineError, ServerError
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Lang, Task
from pointline.model.extract import Extractor

__all__ = ["Answer", "Ask"]

#: What a text comes to, with its number.
Answer = tuple[int, Prediction | PointlineError]

_NO_TEXT_S_FAULT = (ServerError, BudgetSpent, MissingExtra)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of every text: a task, or labels of one's own, as of an `Extractor`.

    `lang` is guessed from each text where labels are one's own and none is given.
    """

    task: Task | str | None = None
    labels: tuple[str, ...] | None = None
    entities: tuple[str, ...] | None = None
    relations: tuple[str, ...] | None = None
    lang: Lang | None = None

    def answers(
        self, extractor: Extractor, texts: Sequence[tuple[int, str]], batch_size: int
    ) -> Iterator[Answer]:
        """Yield what becomes of each numbered text, as it is done.

        Where the extractor ends in an error, the texts that are left are parted in two and asked
        for again, until one is alone with its error.

        Raises what no text is to blame for: ServerError, BudgetSpent, MissingExtra.
        """
        fault, done = PointlineError(), set[int]()
        records = [Record(str(number), "", text) for number, text in texts]
        try:
            for found in self._asked(extractor, records, batch_size):
                done.add(int(found.id))
                yield int(found.id), found
        except _NO_TEXT_S_FAULT:
            raise
        except PointlineError as error:
            fault = error
        left = [(number, text) for number, text in texts if number not in done]
        if isinstance(fault, NoAnswer):  # it is told when all the others are done
            yield from ((number, _own(fault, number)) for number, _ in left)
        elif len(texts) == len(left) == 1:
            yield left[0][0], fault
        elif left:
            half = (len(left) + 1) // 2
            yield from self.answers(extractor, left[:half], batch_size)
            yield from self.answers(extractor, left[half:], batch_size)

    def _asked(
        self, extractor: Extractor, records: Sequence[Record], batch_size: int
    ) -> Iterator[Prediction]:
        return extractor.many(
            records, self.task, labels=self.labels, entities=self.entities,
            relations=self.relations, lang=self.lang, batch_size=batch_size, ordered=False,
        )  # fmt: skip


def _own(fault: NoAnswer, number: int) -> NoAnswer:
    """Return why one text has no answer, of an error that lists several."""
    name = f"record '{number}': "
    own = [one.removeprefix(name) for one in fault.problems if one.startswith(name)]
    return NoAnswer(own[0]) if own else fault
