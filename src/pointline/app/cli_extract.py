"""`pointline demo` and `pointline extract`: texts in, labels and items out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pointline.app import page, show
from pointline.app.options import (
    AdapterName,
    Align,
    BatchSize,
    Device,
    Dtype,
    Free,
    Json,
    Long,
    ModelName,
    Precision,
    TaskName,
    labels_of,
    new_file,
    task_of,
)
from pointline.app.server_options import GrammarKind
from pointline.errors import InputError
from pointline.format import tasks
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Task

if TYPE_CHECKING:
    from pointline.model.chat.server import Grammar
    from pointline.model.extract import Extractor, Options

__all__ = ["check_asked", "demo", "extract", "is_served", "load", "samples"]

Html = Annotated[
    Path | None, typer.Option("--html", help="Also write one HTML page.", show_default=False)
]


def samples() -> list[Record]:
    """Return the sample texts that were written for pointline, with their gold annotation.

    >>> len({record.task[-2:] for record in samples()})
    3
    """
    from pointline.corpus import store

    return store.read_records(Path(str(files("pointline.app"))) / "samples" / "samples.jsonl")


def is_served(model: str | None) -> bool:
    """Tell whether --model names a chat model behind an address.

    >>> is_served("openai:gemma@http://127.0.0.1:8080/v1")
    True
    """
    from pointline.model.chat.question import PREFIX

    return model is not None and model.startswith(PREFIX)


def load(
    model: str | None,
    adapter: str | None,
    options: Options | None = None,
    *,
    device: str | None = None,
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32",
    precision: Literal["float32", "float16"] = "float32",
    grammar: Grammar = "auto",
) -> Extractor:
    """Return the extractor that --model and --adapter name, under a progress bar."""
    from pointline.model import backbone
    from pointline.model.extract import Extractor

    if grammar != "auto":
        if precision != "float32":
            raise InputError("--precision is for a model that runs here, --grammar for one behind")
        return _told(grammar, str(model), adapter, options, device)
    bare = adapter == "none"
    if bare and model is not None and backbone.is_adapter(model):
        raise InputError(f"{model} is an adapter: --adapter none asks for its base, name that")
    with show.progress("loading the model") as advance:
        return Extractor.load(
            backbone.DEFAULT if bare and model is None else model,
            adapter=None if bare else adapter,
            device=device,
            dtype=dtype,
            precision=precision,
            options=options,
            progress=lambda what, share: advance(round(1000 * share), 1000, what),
        )


def _told(
    grammar: Grammar, model: str, adapter: str | None, options: Options | None, device: str | None
) -> Extractor:
    """Return the extractor of a model behind an address that --grammar says how to hold."""
    from pointline.model import openai, served
    from pointline.model.chat.question import RAW

    if is_served(model):
        return openai.behind(model, options, adapter=adapter, device=device, grammar=grammar)
    if model.startswith(RAW):
        return served.behind(model, options, adapter=adapter, device=device, grammar=grammar)
    raise InputError("--grammar is for a model behind an address: openai: or completions:")


def demo(
    model: ModelName = None, adapter: AdapterName = None, html: Html = None, json: Json = False
) -> None:
    """Extract from sample texts in English, Japanese and Chinese, and show what was found.

    Example: pointline demo --html demo.html
    """
    new_file(html) if html else None
    given = [Record(record.id, record.task, record.text) for record in samples()]
    extractor = load(model, adapter)
    found = _run(extractor, given, json=json)
    _write_page(html, found, {}, _by(extractor))
    if not json:
        right = _agreement(samples(), found)
        show.say(
            f"{right} (pointline extract --help shows how to ask for your own)", to=show.errors
        )


def extract(
    text: Annotated[
        str | None, typer.Argument(help="The text; - or nothing reads standard input.")
    ] = None,
    task: TaskName = None,
    labels: Annotated[
        str | None, typer.Option(help="Your own text labels, by commas.", show_default=False)
    ] = None,
    entities: Annotated[
        str | None, typer.Option(help="Your own entity labels, by commas.", show_default=False)
    ] = None,
    relations: Annotated[
        str | None, typer.Option(help="Your own relations, by commas.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read texts from a file, one a line.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="The file or standard input is one text.")
    ] = False,
    lang: Annotated[
        Literal["en", "ja", "zh"] | None, typer.Option(help="Language of your own labels' task.")
    ] = None,
    model: ModelName = None,
    adapter: AdapterName = None,
    free: Free = False,
    align: Align = "words",
    long: Long = "split",
    batch_size: BatchSize = 8,
    device: Device = None,
    dtype: Dtype = "float32",
    precision: Precision = "float32",
    grammar: GrammarKind = "auto",
    html: Html = None,
    json: Annotated[bool, typer.Option("--json", help="Print one record a line as JSON.")] = False,
) -> None:
    """Extract a label and items from texts, of a task or of your own labels.

    Examples:

    pointline extract "太郎が得点した。" --labels スポーツ,政治 --entities 選手,チーム --json

    pointline extract "..." --task scnm-zh --model openai:NAME@http://127.0.0.1:8000/v1
    """
    from pointline.model.extract import Options

    new_file(html) if html else None
    texts = _texts(text, file, whole=whole)
    trained = not is_served(model) and (model is not None or adapter is not None)
    asked = _wanted(task, labels, entities, relations, lang or _language(texts), later=trained)
    options = Options(constrained=not free, align=align, long=long)
    extractor = load(
        model, adapter, options, device=device, dtype=dtype, precision=precision, grammar=grammar
    )
    wanted = extractor.task(asked) if isinstance(asked, str) else asked
    records = [Record(str(n), wanted.name, one) for n, one in enumerate(texts)]
    found = _run(
        extractor, records, wanted, batch_size=batch_size, json=json, keep=html is not None
    )
    _write_page(html, found, {wanted.name: wanted}, _by(extractor))


def _wanted(
    task: str | None,
    labels: str | None,
    entities: str | None,
    relations: str | None,
    lang: Literal["en", "ja", "zh"],
    *,
    later: bool,
) -> Task | str:
    """Return the task; with `later`, a name for a model to know that was trained on tasks."""
    check_asked(task, labels, entities, relations)
    if task is not None:
        return task if later and not Path(task).exists() else task_of(task)
    return tasks.adhoc(
        labels=labels_of(labels),
        entities=labels_of(entities),
        relations=labels_of(relations),
        lang=lang,
    )


def check_asked(task: str | None, *own: str | None) -> None:
    """Raise InputError unless either a task is named, or labels of one's own are given."""
    if task is not None and own.count(None) < len(own):
        raise InputError("a task has its own labels: give --task, or labels of your own, not both")
    if task is None and own.count(None) == len(own):
        raise InputError(
            "what to extract? give --task (pointline tasks lists them), or --labels, --entities"
            " or --relations of your own"
        )


def _language(texts: Sequence[str]) -> Literal["en", "ja", "zh"]:
    from pointline.model.extract import guess_language

    return guess_language(" ".join(texts)[:10_000])


def _texts(text: str | None, file: Path | None, *, whole: bool) -> list[str]:
    if text not in (None, "-"):
        if file is not None:
            raise InputError("give a text or --file, not both")
        return [str(text)]
    if file is None and text is None and sys.stdin.isatty():
        raise InputError("no text: give one, or --file, or pipe it in")
    where = str(file) if file else "standard input"
    data = file.read_bytes() if file else sys.stdin.buffer.read()
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{where}:{line}: not UTF-8: save the file as UTF-8") from None
    if whole:
        return [content]
    lines = [line.removesuffix("\r") for line in content.split("\n")]
    texts = [line for line in lines if line.strip()]
    if not texts:
        raise InputError(f"{where}: no text in it")
    return texts


def _run(
    extractor: Extractor,
    records: Sequence[Record],
    task: Task | None = None,
    *,
    json: bool,
    batch_size: int = 8,
    keep: bool = True,
) -> list[Prediction]:
    """Extract under a progress bar; as JSON, each record is printed when it is done.

    `keep=False` lets go of what was printed, so that a long file does not fill the memory.
    """
    from pointline.corpus.recordfile import dump

    found: list[Prediction] = []
    done = 0
    with show.progress("extracting") as advance:

        def finished(number: int) -> None:
            nonlocal done
            done += number
            advance(done, len(records))

        for prediction in extractor.many(records, task, batch_size=batch_size, progress=finished):
            if json:
                typer.echo(dump(prediction), nl=False)
            if keep or not json:
                found.append(prediction)
    if not json:
        show.output.print(show.records_table(found, tasks={task.name: task} if task else None))
    return found


def _write_page(
    html: Path | None, found: Sequence[Prediction], known: dict[str, Task], note: str
) -> None:
    if html:
        html.write_text(page.page(found, note=note, tasks=known), encoding="utf-8")
        show.say(f"wrote {html}", to=show.errors)


def _by(extractor: Extractor) -> str:
    return f"Extracted by {extractor.backend.name.replace('+adapter', ' with an adapter')}."


def _agreement(gold: Sequence[Record], found: Sequence[Prediction]) -> str:
    from pointline.score.match import score

    report = score(gold, found, resamples=0)
    return (
        f"{len(gold)} texts: {report.tl.matched} labels and {report.wl.matched} of"
        f" {report.wl.gold} items as annotated by hand"
    )
