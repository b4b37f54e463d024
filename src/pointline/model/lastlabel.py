"""The label of a completion that was cut before it: where items come first, it is asked for again.

A completion is cut when it goes round in circles or its room is used up. With the label first only
items are lost by that; with the items first it would be the label, and the orders could not be
compared. So what was whole of the items goes behind the prompt, and the label is generated alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pointline.format.tasks import Task
from pointline.model import grammar
from pointline.model.backend import Backend, Completion, Token
from pointline.model.form import Form, Level, literals
from pointline.model.interpret import finish

__all__ = ["labelled"]

_TOKENS = 64  # of a label


def labelled(
    backend: Backend,
    asked: Sequence[tuple[str, Task]],
    completions: Sequence[Completion],
    form: Form,
) -> list[Completion]:
    """Return the completions, those that were cut before their label with a label.

    `asked` has the prompt and the task of each. They stay marked as cut. In a form whose label
    does not come last, all are returned as they are.
    """
    made = list(completions)
    if form.fields != ("items", "label"):
        return made
    cut = [
        at
        for at, (one, (_, task)) in enumerate(zip(made, asked, strict=True))
        if one.cut and form.parts(one.text, task.word) is None
    ]
    begun = [_begun(backend, *asked[at], made[at].text, form) for at in cut]
    ends = [_end(form, asked[at][1]) for at in cut]
    labels = backend.complete(
        [asked[at][0] + line for at, line in zip(cut, begun, strict=True)],
        [grammar.build(asked[at][1], "", form=end) for at, end in zip(cut, ends, strict=True)],
        max_new_tokens=_TOKENS,
    )
    for at, line, label in zip(cut, begun, labels, strict=True):
        made[at] = _joined(made[at], line, label)
    return made


def _begun(backend: Backend, prompt: str, task: Task, line: str, form: Form) -> str:
    """Return what stands before the label: the whole items, as many as there is room for."""
    before, between, _ = literals(form.pattern, task.word)
    items = finish(line)
    while items and backend.count(prompt + items + between) + _TOKENS > backend.window:
        shorter = finish(items)
        items = "" if shorter == items else shorter
    return (items if items.startswith(before) else before) + between


def _end(form: Form, task: Task) -> Form:
    """Return the form of a completion that is the label and what comes behind it."""
    tail = literals(form.pattern, task.word)[2]
    template = replace(form.template, text="{label}" + tail)
    return Form(Level.TEXT, template=template)


def _joined(cut: Completion, line: str, label: Completion) -> Completion:
    kept = [token for token in cut.tokens if token.end <= len(line) and token.start < len(line)]
    moved = [
        Token(t.id, t.start + len(line), t.end + len(line), t.logprob, t.close)
        for t in label.tokens
    ]
    return Completion(line + label.text, (*kept, *moved), cut=True)
