"""Fixtures that several test files share."""

import os
from pathlib import Path

import pytest
from tiny import tiny_model

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def raw_corpora() -> Path:
    """The folder of raw corpora; the tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("POINTLINE_RAW") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no raw corpora in {folder}: set POINTLINE_RAW to their folder")
    return folder


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """The folder of a tiny model, to be read only."""
    return tiny_model(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture(scope="module")
def tiny(base):
    """The tiny model, loaded for the tests of one file."""
    from pointline.model import backbone

    return backbone.load(base)


@pytest.fixture(scope="module")
def browser():
    """A Chromium for the tests of one file; they are skipped where there is none."""
    from browsing import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(browser):
    """Pages of that browser, each taken again when a test is done with it."""
    from browsing import Pages

    return Pages(browser)


@pytest.fixture
def played():
    """What a server of the playground is asked, and how it answers."""
    pytest.importorskip("fastapi", reason="needs fastapi")
    from playing import Played

    return Played()


@pytest.fixture
def player(pages, played):
    """Somebody at the playground of that server."""
    from playing import at_playground

    with at_playground(pages, played.app()) as player:
        yield player
