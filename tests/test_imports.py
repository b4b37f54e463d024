"""The rooms, and who may import whom (docs/adr/0001-rooms.md)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "pointline"
RANK = {
    "version": 0, "errors": 0, "format": 1, "corpus": 2, "score": 3, "model": 4,
    "draft": 5, "review": 5, "study": 5, "app": 6, "": 7,
}  # fmt: skip
OWNERS = {
    "torch": ("model", "study/verbalizer", "study/flow"),
    "transformers": ("model", "study/verbalizer", "study/flow"),
    "peft": ("model", "study/verbalizer"),
    "llguidance": ("model",),
    "matplotlib": ("corpus/canvas.py", "corpus/figures.py", "study"),
    "fastapi": ("app/serve/", "review/web"),
    "sqlalchemy": ("review/queue", "draft/ledger.py"),
    "ray": ("app/cluster.py",),
    "typer": ("app",),
    "pyarrow": ("corpus",),
    "HanTa": ("corpus/words.py",),
    "openai": ("model/chat/client.py", "model/chat/dialect.py"),
    "stamina": ("model/chat/client.py",),
    "rapidfuzz": ("draft/align.py", "draft/repair.py"),
    "spacy": ("corpus/exchange/docbin.py",),
    "datasets": ("corpus/exchange/hub.py",),
    "datasketch": ("corpus/near.py",),
    "rjieba": ("corpus/words.py",),
    "sudachipy": ("corpus/words.py",),
}
FILES = sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return "" if first in ("__init__.py", "__main__.py") else first.removesuffix(".py")


def imports(tree: ast.AST):
    """Every imported module, and whether the import is at the top of the file."""
    top = {id(node) for node in getattr(tree, "body", [])}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names if node.module == "pointline" else [node.module]:
                yield name, id(node) in top


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_from_rooms_below(path):
    here = room(path)
    for name, _ in imports(ast.parse(path.read_text())):
        if name.startswith("pointline."):
            there = name.split(".")[1]
            allowed = there == here or RANK[there] < RANK[here]
            assert allowed, f"{path.name} in {here or 'the top'} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_heavy_library_has_one_owner_and_loads_late(path):
    where = str(path.relative_to(SOURCE))
    for name, at_top in imports(ast.parse(path.read_text())):
        library = name.split(".")[0]
        if library in OWNERS:
            assert any(where.startswith(owner) for owner in OWNERS[library]), f"{where}: {name}"
            guarded = library == "typer" or not at_top
            assert guarded, f"{where} imports {name} at its top"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path):
    source = path.read_text()
    assert source.count("\n") <= 500
    assert path.stem not in {"utils", "common", "base", "helpers", "misc"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name


def test_importing_pointline_loads_nothing_heavy():
    code = (
        "import sys, pointline; pointline.task; pointline.Record; pointline.codec.write;"
        "import pointline.score.tables; pointline.score([pointline.Record('1', '', 'a')], "
        "[pointline.Record('1', '', 'a')], resamples=0);"
        "heavy = {'torch', 'transformers', 'pandas', 'pyarrow', 'numpy', 'typer', 'rich'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
