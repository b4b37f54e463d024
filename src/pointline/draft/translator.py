"""The chat model that translates: what it is asked of one record, and of labels that no table has.

A record takes one question; a second one where its answer holds no translation, or where entities
are not found in the translation. What it wrote is kept as it is: reading it again costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pointline.draft.ledger import Row
from pointline.draft.placing import asked_for, missing
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.reading import read, strings
from pointline.draft.sorting import mark
from pointline.errors import NoAnswer
from pointline.format.record import Record
from pointline.model.chat.answers import is_refusal, short_label
from pointline.model.chat.client import Client, Memory
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address, Answer

__all__ = ["DONE", "FAILED", "READ", "Translator"]

#: The states of a row: all was asked; all but the missing entities; no answer came.
DONE, READ, FAILED = "done", "read", "failed"

_LABELS = 20  # labels in a question
_KNOWN = 100  # labels that it shows, the latest: a prompt has an end


class Translator:
    """Translates records by a chat model behind an OpenAI-compatible address.

    `asks` is whether entities that are not found in a translation are asked for once more.

    Raises InputError as `Client` does.
    """

    def __init__(
        self,
        address: Address,
        prompt: TranslationPrompt,
        *,
        limits: Limits | None = None,
        asks: bool = True,
    ) -> None:
        Client(address, limits)  # a missing key or library is told now
        self.address, self.prompt, self.limits = address, prompt, limits
        self.asks = asks

    @property
    def name(self) -> str:
        """The model's name and address."""
        return str(self.address)

    @property
    def finished(self) -> tuple[str, ...]:
        """The states of rows about which nothing more is asked."""
        return (DONE,) if self.asks else (DONE, READ)

    def config(self) -> dict[str, Any]:
        """Return the prompt word for word, and who is asked."""
        shown = self.prompt.shown()
        return {
            "model": self.name,
            "prompt": self.prompt.version,
            "messages": {name: [list(one) for one in said] for name, said in shown.items()},
        }

    # ------------------------------------------------------------ records

    def rows(self, records: Iterable[Record], memory: Memory) -> Iterator[Row]:
        """Yield the row of each record as it is done; see `Client.work` for how it ends."""
        client = Client(self.address, self.limits, memory=memory)

        async def job(record: Record) -> Row:
            try:
                return await self._row(client, record)
            except NoAnswer as error:
                return Row(record.id, mark(record), FAILED, str(error))

        yield from client.work(records, job)

    async def _row(self, client: Client, record: Record) -> Row:
        answer, again = await self._translated(client, record)
        body: dict[str, Any] = {
            "answer": answer.text,
            "finish": answer.finish,
            "refusal": answer.refusal,
            "again": again,
        }
        reading = read(answer.text, asked_for(record), plain=again)
        lost = missing(record, reading) if reading else ()
        if reading and lost:
            if not self.asks:
                return Row(record.id, mark(record), READ, body=body)
            question = self.prompt.missing(record.text, reading.text, lost)
            body |= {"missing": lost, "asked": (await client.ask(question)).text}
        return Row(record.id, mark(record), DONE, body=body)

    async def _translated(self, client: Client, record: Record) -> tuple[Answer, bool]:
        """Return the answer for a record; one of which nothing can be read is drawn once more."""
        asked = asked_for(record)
        answer = await client.ask(self.prompt.question(record.text, asked))
        declined = answer.refusal or answer.finish == "content_filter" or is_refusal(answer.text)
        if declined or read(answer.text, asked):
            return answer, False
        return await client.ask(self.prompt.question(record.text, asked, draw=1)), True

    # ------------------------------------------------------------ labels

    def labels(
        self, labels: Sequence[str], known: Mapping[str, str], memory: Memory
    ) -> Iterator[dict[str, str]]:
        """Yield labels with their translation, some at a time; "" where the model gave none.

        Every question shows what is known by then. It ends where no answer comes: what is asked
        later must not depend on it.

        Raises BudgetSpent and ServerError as `Client.ask` does.
        """
        found = dict(known)
        client = Client(self.address, self.limits, memory=memory)
        left = iter(labels)
        while chunk := tuple(islice(left, _LABELS)):
            try:
                told = self._named(client, chunk, found)
            except NoAnswer:
                return
            found |= {label: one for label, one in told.items() if one}
            yield told

    def _named(
        self, client: Client, labels: tuple[str, ...], known: Mapping[str, str]
    ) -> dict[str, str]:
        question = self.prompt.labels(labels, dict(list(known.items())[-_KNOWN:]))
        (answer,) = client.work([question], client.ask)
        named = strings(answer.text, "labels")
        if named is not None and len(named) == len(labels):
            return {label: short_label(one) or "" for label, one in zip(labels, named, strict=True)}
        if len(labels) == 1:
            return {labels[0]: ""}
        told: dict[str, str] = {}
        for label in labels:  # one at a time what failed together
            told |= self._named(client, (label,), {**known, **told})
        return told
