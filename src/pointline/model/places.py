"""Where a model's weights are: a name, a folder, a GGUF file or a hub id becomes a folder here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pointline.errors import MissingExtra, ModelError
from pointline.model.embedded import PACKAGED, Progress, convert, fetch

__all__ = ["ADAPTER", "is_adapter", "locate", "read_json", "resolve"]

ADAPTER = "adapter_config.json"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_SERVED = ("vllm:", "openai:", "completions:")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


def is_adapter(name: str | Path) -> bool:
    """Say whether this is the folder of an adapter, or of a run that trained one."""
    return (_adapter_folder(Path(name).expanduser()) / ADAPTER).is_file()


def resolve(name: str, adapter: Path | None) -> tuple[str, Path | None]:
    """Return the base and the adapter: a run's or an adapter's folder names its own base."""
    folder = Path(name).expanduser()
    if adapter is not None:
        adapter = _adapter_folder(adapter.expanduser())
    if (folder / "model" / "config.json").is_file():  # a run that trained every weight
        return str(folder / "model"), adapter
    folder = _adapter_folder(folder)
    if not (folder / ADAPTER).is_file():
        return name, adapter
    if adapter is not None:
        raise ModelError(f"{folder} is an adapter itself: name its base, or leave adapter out")
    base = read_json(folder / ADAPTER).get("base_model_name_or_path")
    if not base:
        raise ModelError(f"{folder / ADAPTER} names no base: load the base with adapter={name!r}")
    return str(base), folder


def _adapter_folder(folder: Path) -> Path:
    """Return the adapter's folder within a training run's, any other folder as it is."""
    return folder / "adapter" if (folder / "adapter" / ADAPTER).is_file() else folder


def locate(name: str, *, cache: str | Path | None, progress: Progress | None) -> Path:
    """Return the folder to load from, converted or downloaded first where it has to be."""
    if name in PACKAGED:
        return fetch(name, cache=cache, progress=progress)
    path = Path(name).expanduser()
    if path.is_file():
        return convert(path, cache=cache, progress=progress)
    if path.is_dir():
        return _checked(path)
    if _HUB_ID.fullmatch(name) and not name.startswith("."):
        return _checked(_download(name))
    if name.startswith(_SERVED):
        raise ModelError(f"{name!r} is behind a server: name a folder, a GGUF file or a hub id")
    raise ModelError(
        f"no model {name!r}: not a folder, not a GGUF file, not a hub id (owner/name), and not one"
        f" of {', '.join(PACKAGED)}"
    )


def _checked(folder: Path) -> Path:
    """Return a model's folder, refused if it lacks a part or has pickled weights only."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} holds no model: there is no config.json")
    if any(folder.glob("*.safetensors")):
        return folder
    pickled = [path.name for pattern in _PICKLED for path in folder.glob(pattern)]
    if pickled:
        raise ModelError(
            f"{folder / pickled[0]} is pickled, and loading it could run any code: convert it with"
            " save_pretrained, which writes safetensors"
        )
    raise ModelError(f"{folder} holds no weights: there is no .safetensors file")


def _download(name: str) -> Path:
    """Return the hub client's own copy of a model, downloaded if the hub answers."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError:
        raise MissingExtra("huggingface_hub", extra="hf") from None
    near = _hub_is_near()
    try:
        return Path(
            snapshot_download(
                name, allow_patterns=_HUB_FILES, ignore_patterns=["*/*"], local_files_only=not near
            )
        )
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        why = str(error).splitlines()[0] if near else "the hub cannot be reached"
        raise ModelError(f"no folder {name!r} here, and none was downloaded: {why}") from None


def _hub_is_near() -> bool:
    """Say whether the hub answers; without this, its client retries for most of a minute."""
    import socket
    import urllib.parse
    import urllib.request

    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    hub = urllib.parse.urlsplit(constants.ENDPOINT)
    if hub.scheme in urllib.request.getproxies():
        return True
    try:
        socket.create_connection((hub.hostname, hub.port or 443), timeout=5).close()
    except OSError:
        return False
    return True


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; ModelError where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path} is not a JSON object")
    return value
