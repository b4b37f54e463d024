"""Prompts: what a model is shown and what it is asked to write.

The papers' form, and nothing else: input `TEXT/TASKWORD`, a line break, output the completion
line. A task whose labels a model cannot know (an ad-hoc one) has them listed in front.
"""

from __future__ import annotations

from enum import Enum

from pointline.format import codec
from pointline.format.escape import escape
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["Level", "input_text", "one_shot", "target"]


class Level(Enum):
    """Which levels a prompt asks for: both, the text-level label, or the word-level items."""

    BOTH = "both"
    TEXT = "text"
    WORD = "word"


def input_text(text: str, task: Task, level: Level = Level.BOTH, *, labels: bool = False) -> str:
    r"""Return the input for one text, which ends in a line break.

    `labels=True` puts the closed label sets in front of the text, a line for each level asked.

    >>> from pointline.format.tasks import task
    >>> input_text("Ada left.", task("scnm-en"))
    'Ada left./NER\n'
    """
    head = ""
    if labels and level is not Level.WORD and task.labels is not None:
        head += "/" + ";".join(escape(label) for label in task.labels) + "\n"
    if labels and level is not Level.TEXT and task.item_labels is not None:
        head += ":" + ";".join(escape(label) for label in task.item_labels) + "\n"
    return f"{head}{text}/{task.word}\n"


def target(record: Record, task: Task, level: Level = Level.BOTH) -> str:
    """Return the completion that a model should write for the record.

    TEXT: `LABEL/TASKWORD/`, WORD: `/TASKWORD/:label;entity`; BOTH has the two.

    Raises RecordError for items of another shape than the task's.
    """
    shown = Record(
        record.id,
        record.task,
        record.text,
        "" if level is Level.WORD else record.label,
        () if level is Level.TEXT else record.pairs,
        () if level is Level.TEXT else record.facts,
    )
    return codec.write(shown, task, places=False)


def one_shot(
    example: Record, text: str, task: Task, level: Level = Level.BOTH, *, labels: bool = False
) -> str:
    """Return the input for `text` behind one solved example."""
    solved = input_text(example.text, task, level, labels=labels) + target(example, task, level)
    return f"{solved}\n\n{input_text(text, task, level)}"
