"""The extractor: texts in, predictions out, with places and confidences.

    ex = Extractor.load()
    ex("Ada moved from London to Turin in 1840.", task="scnm-en").pairs

A text that is longer than the window is read in overlapping windows and merged (`model.window`),
or refused, as `Options.long` says; it is never cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pointline.errors import InputError, PointlineError, TaskError
from pointline.format import tasks
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Lang, Task
from pointline.model import prepared
from pointline.model.backend import Backend
from pointline.model.chat import question
from pointline.model.grammar import MAX_ITEMS, Align
from pointline.model.prepared import Prepared
from pointline.model.prompt import Form, Level

if TYPE_CHECKING:
    from pointline.model.backbone import Dtype
    from pointline.model.embedded import Progress
    from pointline.model.gemma import Weights

__all__ = ["Extractor", "Options", "guess_language"]

_ADAPTER = Path(__file__).parent / "adapter"
_VLLM = "vllm:"
_KANA = re.compile("[\u3041-\u309f\u30a1-\u30fa\uff66-\uff9f]")  # "・" is Chinese as well
_LOOKAHEAD = 8  # batches that are read ahead, so that texts of like length share a batch


@dataclass(frozen=True, slots=True)
class Options:
    """How an extractor reads a text.

    `constrained`: generate under the text's grammar; False keeps the model free and repairs what
    it wrote. `align`, `max_items`, `fields`: as in `grammar.build` (of 38,000 gold entities in our
    datasets, three begin or end within a word). `example`: a solved record shown before every text,
    for a model that was not trained on the task. `long`: what happens to a text whose prompt has
    more than `window` tokens; `overlap` is what neighbouring windows share, in tokens. A model with
    a smaller window than `window` plus `max_new_tokens` is asked for less.

    `level` is asked for in the mix format, or `form` as it says (and `level` is that form's). What
    a form shows beside the text is the record's own label or items; such a text has to fit into one
    window, a longer one is refused.

    Raises InputError for values that cannot be.
    """

    constrained: bool = True
    align: Align = "words"
    level: Level = Level.BOTH
    example: Record | None = None
    max_items: int = MAX_ITEMS
    fields: int = 3
    max_new_tokens: int = 512
    long: Literal["split", "refuse"] = "split"
    window: int = 1024
    overlap: int = 64
    form: Form | None = None

    def __post_init__(self) -> None:
        try:
            level = self.level if self.form is None else self.form.level
            object.__setattr__(self, "level", Level(level))
        except ValueError:
            told = ", ".join(repr(level.value) for level in Level)
            raise InputError(f"level is one of {told}, got {self.level!r}") from None
        if self.align not in get_args(Align):
            raise InputError(f"align is 'chars' or 'words', got {self.align!r}")
        if self.long not in ("split", "refuse"):
            raise InputError(f"long is 'split' or 'refuse', got {self.long!r}")
        if self.max_items < 0 or self.fields < 3:
            raise InputError(
                "max_items is 0 or more and fields 3 or more, got"
                f" {self.max_items} and {self.fields}"
            )
        if self.window < 1 or self.max_new_tokens < 1 or self.overlap < 0:
            raise InputError(
                "window and max_new_tokens are 1 or more and overlap 0 or more, got"
                f" {self.window}, {self.max_new_tokens} and {self.overlap}"
            )

    @property
    def asked(self) -> Form:
        """The form in which texts are asked for."""
        return self.form or Form(self.level)

    def new_tokens(self, window: int) -> int:
        """Return the limit of new tokens for a model with that window."""
        return min(self.max_new_tokens, window // 2)


_Asked = Task | str | Callable[[str], Task] | None


class Extractor:
    """Extracts a label and items from texts with one backend.

    >>> from pointline.model.backend import Scripted
    >>> ex = Extractor(Scripted(lambda prompt: "社会/固有表現抽出/:人名;紫式部"))
    >>> ex("作者は紫式部。", task="scnm-ja").pairs
    (Pair(label='人名', entity='紫式部', start=3, end=6, ambiguous=False),)
    """

    def __init__(
        self, backend: Backend, options: Options | None = None, *, tasks: Iterable[Task] = ()
    ) -> None:
        """Keep the backend, the options, and the tasks that the model was trained on."""
        self.backend = backend
        self.options = options or Options()
        self.tasks = {task.name: task for task in tasks}

    @classmethod
    def load(
        cls,
        name: str | Path | None = None,
        *,
        adapter: str | Path | None = None,
        dtype: Dtype = "float32",
        device: str | None = None,
        precision: Weights = "float32",
        options: Options | None = None,
        progress: Progress | None = None,
    ) -> Extractor:
        """Return an extractor for a model: the embedded one, or a name as `backbone.load` takes.

        Without a name and an adapter the adapter that comes with pointline is in it; a name
        (also `backbone.DEFAULT`) is the plain model. Adapters are merged into the weights.
        `openai:NAME@BASE_URL` is a chat model behind an address (`model.openai`),
        `completions:NAME@BASE_URL` a model that pointline trained behind one (`model.served`),
        `vllm:NAME` one that vLLM runs in this process (`model.vllm`). `precision` is that of the
        embedded model's weights on a processor: "float16" is faster and not exact
        (`docs/inference.md` has what it costs).

        Raises ModelError for a model that is missing or damaged or that the precision is not for,
        MissingExtra without torch, InputError for an adapter of a model behind an address, or a
        device of such or of vLLM's.
        """
        from pointline.model import backbone

        base = backbone.DEFAULT if name is None else name
        elsewhere = (question.PREFIX, question.RAW, _VLLM)
        if precision != "float32" and str(base).startswith(elsewhere):
            raise InputError(f"precision is for a model that is loaded here, got {str(base)!r}")
        if str(base).startswith(question.PREFIX):
            from pointline.model.openai import behind

            return behind(str(base), options, adapter=adapter, device=device)
        if str(base).startswith(question.RAW):
            from pointline.model import served

            return served.behind(str(base), options, adapter=adapter, device=device)
        if str(base).startswith(_VLLM):
            if device is not None:
                raise InputError("vLLM chooses its devices: leave device out")
            asked = str(base).removeprefix(_VLLM)
            own = _ADAPTER if not asked and adapter is None and _ADAPTER.is_dir() else adapter
            return _by_vllm(asked or backbone.DEFAULT, own, dtype, options, progress)
        backbone.require(str(base))
        from pointline.model.hf import HFBackend

        if name is None and adapter is None and _ADAPTER.is_dir():
            adapter = _ADAPTER
        loaded = backbone.load(
            base,
            adapter=adapter,
            dtype=dtype,
            device=device,
            merge=True,
            lean=True,
            progress=progress,
        )
        return cls(HFBackend(loaded, precision=precision), options, tasks=loaded.tasks)

    def task(self, name: str) -> Task:
        """Return the task of that name: one that the model was trained on, else the table's.

        Raises TaskError, which names what comes close.
        """
        return self.tasks[name] if name in self.tasks else tasks.task(name)

    def __call__(
        self,
        text: str | Record,
        task: Task | str | None = None,
        *,
        labels: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
        relations: Sequence[str] | None = None,
        lang: Lang | None = None,
    ) -> Prediction:
        """Return the prediction for one text, of a task or of the caller's own labels.

        `labels` (of the text) with `entities` (of pairs) or `relations` (of facts) make an ad-hoc
        task, in which a level that is left out is open; its `lang` is guessed from the text's
        script if not given.

        Raises TaskError for an unknown task, or a task and labels at once; TextTooLong where
        `Options.long` is "refuse".
        """
        return next(
            self.many(
                [text],
                task,
                labels=labels,
                entities=entities,
                relations=relations,
                lang=lang,
                batch_size=1,
            )
        )

    def many(
        self,
        texts: Iterable[str | Record],
        task: Task | str | None = None,
        *,
        labels: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
        relations: Sequence[str] | None = None,
        lang: Lang | None = None,
        batch_size: int = 8,
        ordered: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Prediction]:
        """Yield a prediction for each text or record, in their order.

        A record keeps its id and meta, and has its own task if none is given; a text is numbered.
        Labels of the caller's own are as for a single text. Of an endless input, `8 * batch_size`
        are read ahead. `ordered=False` yields each as soon as it is done, so that a caller who
        writes them down loses no more to a kill than the texts in flight: those of `batch_size`
        windows. `progress` is called with the
        number of texts that were finished since its last call.

        Raises as `__call__` does for the text at fault, and what reading `texts` raises of
        pointline's own errors, after those before it were yielded.
        """
        if isinstance(texts, str):
            raise InputError("texts are several: put one in a list, or call the extractor with it")
        if batch_size < 1:
            raise InputError(f"batch_size is 1 or more, got {batch_size}")
        own = _own(labels, entities, relations, lang)
        if own is not None and task is not None:
            raise TaskError("a task has its own labels: give a task, or labels, not both")
        records = (self._asked(text, number, own or task) for number, text in enumerate(texts))
        yield from self._found(records, batch_size, ordered, progress)

    def prepare(
        self,
        record: Record,
        task: Task,
        options: Options | None = None,
        *,
        stopped: Callable[[], bool] | None = None,
    ) -> Prepared:
        """Return a text made ready for `stream`, with options of its own if given.

        Of those, `constrained` and `max_new_tokens` are the extractor's. `stopped` is asked now
        and then whether the text is to be given up.

        Raises TextTooLong where the text is refused, InputError for options that cannot be.
        """
        own = self.options
        if options is not None:
            kept = {name: getattr(own, name) for name in ("constrained", "max_new_tokens")}
            own = replace(options, **kept)
        return prepared.prepare(self.backend, record, task, own, stopped=stopped)

    def stream(
        self, texts: Iterable[Prepared | None], *, batch_size: int = 8
    ) -> Iterator[tuple[int, Prediction]]:
        """Yield the number and the prediction of each text as it is done.

        The texts may come without end and with tasks and options of their own; they join those
        that are being read. None among them has no number: it says that nothing waits now, so
        that what was begun goes on. Where nothing is begun the next is asked for at once, so who
        can wait for a text waits then. A text that was given up may never be yielded.
        """
        yield from prepared.predictions(
            self.backend,
            texts,
            batch_size=batch_size,
            max_new_tokens=self.options.new_tokens(self.backend.window),
        )

    @contextmanager
    def within(self, folder: Path) -> Iterator[Extractor]:  # noqa: ARG002 - for those that do
        """Give the extractor for a run in this folder, where it may keep what it must not lose."""
        yield self

    def settings(self) -> dict[str, Any]:
        """Return what predictions depend on beside model, options and task, JSON-ready."""
        return {}

    def shown(self, task: Task) -> list[tuple[str, str]]:
        """Return what the model is shown beside a text, as (role, words)."""
        blank = Record("", task.name, "")
        return [("prompt", prepared.prompt_of(self.options, "", task, blank))]

    def repaired(self, found: Prediction, task: Task) -> Prediction:  # noqa: ARG002
        """Return a prediction that was read strictly as lenient reading has it, others as is."""
        return found

    def account(self) -> dict[str, Any]:
        """Return what the extractor used so far, as JSON-ready values: requests, tokens, money."""
        return {}

    # ------------------------------------------------------------ the work

    def _asked(self, text: str | Record, number: int, task: _Asked) -> tuple[Record, Task]:
        record = text if isinstance(text, Record) else Record(str(number), "", text)
        if task is None and not record.task:
            raise TaskError("no task: give one (pointline tasks lists them), or labels of your own")
        asked = record.task if task is None else task
        if isinstance(asked, str):
            return record, self.task(asked)
        return record, asked if isinstance(asked, Task) else asked(record.text)

    def _found(
        self,
        asked: Iterator[tuple[Record, Task]],
        batch_size: int,
        ordered: bool,
        progress: Callable[[int], None] | None,
    ) -> Iterator[Prediction]:
        """Yield the predictions; what a model of another kind does in its own way."""
        while True:
            ready, refused = self._ahead(asked, _LOOKAHEAD * batch_size)
            if ready:
                made = self._made(ready, batch_size, progress)
                yield from map(itemgetter(1), sorted(made, key=itemgetter(0)) if ordered else made)
            if refused is not None:
                raise refused
            if not ready:
                return

    def _ahead(
        self, asked: Iterator[tuple[Record, Task]], most: int
    ) -> tuple[list[Prepared], PointlineError | None]:
        """Return the next texts, made ready, up to one that is refused, and why that is."""
        ready: list[Prepared] = []
        try:
            for record, task in islice(asked, most):
                ready.append(self.prepare(record, task))
        except PointlineError as error:
            return ready, error
        return ready, None

    def _made(
        self, ready: Sequence[Prepared], batch_size: int, progress: Callable[[int], None] | None
    ) -> Iterator[tuple[int, Prediction]]:
        """Yield the predictions by number, as they are done; longest texts begin first."""
        order = sorted(range(len(ready)), key=lambda number: ready[number].longest, reverse=True)
        for at, found in self.stream((ready[n] for n in order), batch_size=batch_size):
            if progress:
                progress(1)
            yield order[at], found


def _by_vllm(
    name: str,
    adapter: str | Path | None,
    dtype: Dtype,
    options: Options | None,
    progress: Progress | None,
) -> Extractor:
    from pointline.model.vllm import VLLMBackend

    backend = VLLMBackend(name, adapter=adapter, dtype=dtype, progress=progress)
    return Extractor(backend, options, tasks=backend.tasks)


def _own(
    labels: Sequence[str] | None,
    entities: Sequence[str] | None,
    relations: Sequence[str] | None,
    lang: Lang | None,
) -> Callable[[str], Task] | None:
    """Return what makes the ad-hoc task of a text, None where no labels were given."""
    if labels is None and entities is None and relations is None:
        return None

    def task(text: str) -> Task:
        return tasks.adhoc(
            labels=labels,
            entities=entities,
            relations=relations,
            lang=lang or guess_language(text),
        )

    task("")  # so that a wrong label set is refused before the first text
    return task


def guess_language(text: str) -> Lang:
    """Guess the language of a text by its script: kana is Japanese, Han without kana Chinese.

    >>> guess_language("雨だ"), guess_language("下雨了"), guess_language("It rains")
    ('ja', 'zh', 'en')
    """
    if _KANA.search(text):
        return "ja"
    return "zh" if any("\u4e00" <= char <= "\u9fff" for char in text) else "en"
