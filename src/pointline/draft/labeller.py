"""Who proposes a label: a chat model behind an address, or a model of this machine.

A labeller takes records and gives votes: for each record what was proposed, how sure it is, and
where nothing usable came, why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pointline.draft.prompts import LabelPrompt
from pointline.errors import InputError, NoAnswer
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.format.text import fold
from pointline.model.chat.answers import is_refusal, json_object, label_in, short_label
from pointline.model.chat.client import Client, Memory
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address, Answer, digest

if TYPE_CHECKING:
    from pointline.model.extract import Extractor

__all__ = ["ChatLabeller", "Fault", "Labeller", "ModelLabeller", "Verdict", "Vote", "judge"]

#: Why a vote has no label.
Fault = Literal["", "refused", "cut off", "out of set", "no label"]
#: Why a record waits for a person.
Doubt = Literal[
    "", "refused", "cut off", "out of set", "no label", "disagreement", "low confidence"
]


@dataclass(frozen=True, slots=True)
class Vote:
    """One proposal: a label, or the reason why there is none; `answer` is what was written."""

    label: str
    confidence: float | None = None
    fault: Fault = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the votes come to: the label proposed, and the doubt that sends it to a person.

    `certainty` orders records where no confidence is known, too: it is in [0, 1], and 0 without
    a label.
    """

    label: str
    confidence: float | None
    doubt: Doubt
    certainty: float


def judge(votes: tuple[Vote, ...], threshold: float) -> Verdict:
    """Return what the votes come to.

    The label of most votes is proposed, of several such the first; labels that differ in width,
    case or blanks are the same. Its confidence is the mean of its votes' times their share of all
    votes; without confidences it is that share, and of a single vote nothing is known.

    >>> judge((Vote("社会", 0.9), Vote("自然", 0.8)), 0.5)
    Verdict(label='社会', confidence=0.45, doubt='disagreement', certainty=0.45)
    """
    found = [vote for vote in votes if vote.label]
    if not found:
        return Verdict("", None, votes[0].fault or "no label", 0.0)
    counts = Counter(fold(vote.label).text for vote in found)
    most = next(v for v in found if counts[fold(v.label).text] == max(counts.values()))
    agreeing = [vote for vote in found if fold(vote.label).text == fold(most.label).text]
    share = len(agreeing) / len(votes)
    known = [vote.confidence for vote in agreeing if vote.confidence is not None]
    confidence = share * fmean(known) if known else share if len(votes) > 1 else None
    certainty = share if confidence is None else confidence
    doubt: Doubt = ""
    if share < 1:
        doubt = "disagreement"
    elif confidence is not None and confidence < threshold:
        doubt = "low confidence"
    return Verdict(most.label, confidence, doubt, certainty)


class Labeller(Protocol):
    """Proposes labels; `name` says who it is, `version` which prompt it uses."""

    @property
    def name(self) -> str:
        """Who proposes."""

    @property
    def version(self) -> str:
        """What tells its prompt from every other."""

    def config(self) -> dict[str, Any]:
        """Return all that its votes depend on, as JSON-ready values."""

    def votes(
        self, records: Iterable[Record], memory: Memory
    ) -> Iterator[tuple[str, tuple[Vote, ...] | str]]:
        """Yield each record's id and votes as they are done, or the reason why it got none."""


class ChatLabeller:
    """A chat model behind an OpenAI-compatible address; `votes` of a text are its `ballots`.

    More than one ballot is drawn at `temperature`.

    Raises InputError as `Client` does, and for fewer than one ballot.
    """

    def __init__(
        self,
        address: Address,
        prompt: LabelPrompt,
        *,
        limits: Limits | None = None,
        ballots: int = 1,
        temperature: float = 0.7,
    ) -> None:
        if ballots < 1:
            raise InputError(f"a record has one vote or more, got {ballots}")
        Client(address, limits)  # a missing key or library is told now
        self.address, self.prompt, self.limits = address, prompt, limits
        self.ballots = ballots
        self.temperature = temperature if ballots > 1 else 0.0

    @property
    def name(self) -> str:
        """The model's name and address."""
        return str(self.address)

    @property
    def version(self) -> str:
        """The digest of the prompt."""
        return self.prompt.version

    def config(self) -> dict[str, Any]:
        """Return the prompt word for word, and how it is asked."""
        shown = self.prompt.messages(Record("", "", ""))[:-1]
        return {
            "model": self.name,
            "prompt": self.version,
            "messages": [list(message) for message in shown],
            "votes": self.ballots,
            "temperature": self.temperature,
        }

    def votes(
        self, records: Iterable[Record], memory: Memory
    ) -> Iterator[tuple[str, tuple[Vote, ...] | str]]:
        """Yield each record's id and votes as they are done, or the reason why it got none."""
        client = Client(self.address, self.limits, memory=memory)

        async def job(record: Record) -> tuple[str, tuple[Vote, ...] | str]:
            asked = [
                self.prompt.question(record, draw=draw, temperature=self.temperature)
                for draw in range(self.ballots)
            ]
            try:
                answers = [await client.ask(question) for question in asked]
            except NoAnswer as error:
                return record.id, str(error)
            return record.id, tuple(self._vote(answer) for answer in answers)

        yield from client.work(records, job)

    def _vote(self, answer: Answer) -> Vote:
        told = answer.text.strip()
        if answer.refusal or answer.finish == "content_filter" or is_refusal(told):
            return Vote("", fault="refused", answer=answer.refusal or told)
        found = json_object(told)
        if found is None and answer.finish == "length":
            return Vote("", fault="cut off", answer=told)
        named = found.get("label") if found is not None else told
        if not isinstance(named, str) or not named.strip():
            return Vote("", fault="no label", answer=told)
        labels = self.prompt.labels
        label = short_label(named) if labels is None else label_in(named, labels)
        if label is None:
            return Vote("", fault="out of set" if labels else "no label", answer=told)
        return Vote(label, answer.probability(named), answer=told)


class ModelLabeller:
    """A model of this machine under the grammar of labels: always a label, with its probability.

    The extractor's level is to be "text".

    Raises InputError for another level.
    """

    def __init__(self, extractor: Extractor, task: Task, *, batch_size: int = 8) -> None:
        if extractor.options.level.value != "text":
            raise InputError(f"labels are asked at level 'text', not {extractor.options.level}")
        self.extractor, self.task, self.batch_size = extractor, task, batch_size

    @property
    def name(self) -> str:
        """The model's name."""
        return self.extractor.backend.name

    @property
    def version(self) -> str:
        """A digest of what the model is shown beside the text."""
        return digest(self._shown(), self.task.to_dict())

    def _shown(self) -> str:
        from pointline.model import prompt

        listed, options = self.task.family == "adhoc", self.extractor.options
        if options.example is None:
            return prompt.input_text("", self.task, options.level, labels=listed)
        return prompt.one_shot(options.example, "", self.task, options.level, labels=listed)

    def config(self) -> dict[str, Any]:
        """Return the model, its weights, and what it is shown beside the text."""
        return {
            "model": self.name,
            "weights": self.extractor.backend.weights,
            "prompt": self.version,
            "messages": [["prompt", self._shown()]],
            "votes": 1,
            "constrained": self.extractor.options.constrained,
        }

    def votes(
        self,
        records: Iterable[Record],
        memory: Memory,  # noqa: ARG002 - what it answers costs nothing but time
    ) -> Iterator[tuple[str, tuple[Vote, ...] | str]]:
        """Yield each record's id and vote as their batches are done."""
        made = self.extractor.many(records, self.task, batch_size=self.batch_size, ordered=False)
        for found in made:
            told = found.completion or ""
            if not found.label:
                yield found.id, (Vote("", fault="no label", answer=told),)
                continue
            labels = self.task.labels
            fault: Fault = "out of set" if labels and found.label not in labels else ""
            label = "" if fault else found.label
            yield found.id, (Vote(label, found.scores.get("label"), fault, told),)
