"""Prompts: what a model is shown and what it is asked to write.

The papers' form, and nothing else: input `TEXT/TASKWORD`, a line break, output the completion
line. A task whose labels a model cannot know (an ad-hoc one) has them listed in front. Studies ask
in other forms (`model.form`): one level alone, the other one shown, another order or template.
"""

from __future__ import annotations

import re

from pointline.errors import InputError
from pointline.format import codec
from pointline.format.escape import escape
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.form import Form, Level, Order

__all__ = ["Form", "Level", "Order", "form_of", "input_text", "one_shot", "target"]

_FIELD = re.compile(r"\{(text|word|given|label|items)\}")


def form_of(form: Form | Level) -> Form:
    """Return a form; a level alone is asked for in the mix format."""
    return form if isinstance(form, Form) else Form(Level(form))


def input_text(
    text: str,
    task: Task,
    form: Form | Level = Level.BOTH,
    *,
    labels: bool = False,
    given: Record | None = None,
) -> str:
    r"""Return the input for one text, which ends in a line break in the mix format.

    `labels=True` puts the closed label sets in front of the text, a line for each level asked.
    `given` is the record whose label or items a form with `given` shows.

    Raises InputError where the form is given a level and there is no record to take it from.

    >>> from pointline.format.tasks import task
    >>> input_text("Ada left.", task("scnm-en"))
    'Ada left./NER\n'
    """
    form = form_of(form)
    head = ""
    if labels and form.level is not Level.WORD and task.labels is not None:
        head += "/" + ";".join(escape(label) for label in task.labels) + "\n"
    if labels and form.level is not Level.TEXT and task.item_labels is not None:
        head += ":" + ";".join(escape(label) for label in task.item_labels) + "\n"
    if form.given is None:
        return head + _filled(form.template.alone, text=text, word=task.word)
    if given is None:
        raise InputError(
            f"the form shows the {form.given.value} level beside the text: give the record that it"
            " is taken from"
        )
    shown = target(given, task, Form(form.given, template=form.template))
    return head + _filled(form.template.beside, text=text, word=task.word, given=shown)


def target(record: Record, task: Task, form: Form | Level = Level.BOTH) -> str:
    """Return the completion that a model should write for the record.

    In the mix format TEXT is `LABEL/TASKWORD/`, WORD `/TASKWORD/:label;entity`, BOTH has the two.

    Raises RecordError for items of another shape than the task's.
    """
    form = form_of(form)
    shown = Record(
        record.id,
        record.task,
        record.text,
        "",
        () if form.level is Level.TEXT else record.pairs,
        () if form.level is Level.TEXT else record.facts,
    )
    items = codec.write(shown, task, places=False).removeprefix(f"/{task.word}/")
    label = escape(record.label, label=True)
    return _filled(form.pattern, word=task.word, label=label, items=items)


def one_shot(
    example: Record,
    text: str,
    task: Task,
    form: Form | Level = Level.BOTH,
    *,
    labels: bool = False,
    given: Record | None = None,
) -> str:
    """Return the input for `text` behind one solved example."""
    asked = input_text(example.text, task, form, labels=labels, given=example)
    solved = asked + target(example, task, form)
    return f"{solved}\n\n{input_text(text, task, form, given=given)}"


def _filled(pattern: str, **values: str) -> str:
    return _FIELD.sub(lambda found: values[found[1]], pattern)
