"""The playground in a real browser, in front of the real server.

With POINTLINE_PICTURES=docs/pictures, and the embedded model, the picture of docs/serving.md is
made anew.
"""

import io
import os
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs fastapi")
pytest.importorskip("prometheus_client", reason="needs prometheus_client")

from playing import done, looking_at, run, words_of
from serving import Paced, serving

TEXT = "𠮷田 ran 🎻 to the café\u0301 by the sea."


def test_a_text_is_asked_and_each_refusal_told(pages):
    limits = {"queue": 1, "texts": 1, "text": 60}
    with (
        serving(backend := Paced(), limits=limits) as served,
        looking_at(pages, served.base) as player,
    ):
        page = player.page()
        page.select_option("#lang", "en")
        run(page, TEXT)
        assert page.locator("#label .label").inner_text() == "Nature"
        assert words_of(page, 0) == "𠮷田"
        assert page.locator("#length").inner_text() == f"Characters: {len(TEXT)} of at most 60"
        run(page, TEXT * 2)
        assert (
            f"{2 * len(TEXT)} characters, a text may have 60"
            in page.locator("#trouble p").inner_text()
        )
        assert "fault" in page.locator("#length").get_attribute("class")
        run(page, "This is poison.")
        assert page.locator("#trouble h2").inner_text() == "This text could not be read."
        backend.hold()
        page.fill("#text", TEXT)
        page.keyboard.press("Control+Enter")
        served.until(lambda: served.queue.taken == 1)
        other = player.page()
        other.fill("#text", TEXT)
        other.keyboard.press("Control+Enter")
        other.get_by_role("button", name="Ask now").wait_for()
        page.keyboard.press("Escape")  # and its place is free
        served.until(lambda: served.queue.taken == 0)
        backend.go_on()
        other.get_by_role("button", name="Ask now").click()
        other.locator("#answer").wait_for()
        done(other)


def test_its_token_lets_the_page_ask(pages):
    with serving(Paced(), token="a-secret") as served, looking_at(pages, served.base) as player:
        page = player.page()
        page.locator("#token:focus").wait_for()
        page.keyboard.type("a-secret")
        page.keyboard.press("Tab")
        page.locator("#task option").first.wait_for(state="attached")
        run(page)
        assert page.locator("#label .label").inner_text() == "Nature"
        page.get_by_label("curl").check()
        assert "a-secret" not in page.locator("#snippet").inner_text()
        page.goto(f"{served.base}/docs")
        assert "/v1/extract" in page.locator("body").inner_text()


def test_a_model_answers_every_kind_of_question(pages, tiny):
    from pointline.model.hf import HFBackend

    with serving(HFBackend(tiny)) as served, looking_at(pages, served.base) as player:
        page = player.page()
        page.get_by_text("More options").click()
        page.fill("#most", "2")
        asked = 0
        for sample in ("0", "2", "7"):
            page.select_option("#samples", sample)
            run(page)
            page.get_by_role("button", name="Drop one level").click()
            done(page)
            asked += 1
            assert page.locator("#trouble").is_hidden(), sample
            assert page.locator("#compared td.fault").all_inner_texts() == [], sample
            assert page.locator("#compared tbody tr").count() == 6
        assert served.metric("pointline_texts_total") >= 3 * asked


@pytest.mark.embedded
@pytest.mark.skipif("POINTLINE_PICTURES" not in os.environ, reason="makes the documents' picture")
def test_the_picture_of_the_documents(pages):
    from pointline.model.extract import Extractor

    extractor = Extractor.load()
    own = extractor.tasks.values()
    with serving(extractor.backend, tasks=own) as served, looking_at(pages, served.base) as player:
        page = player.page(size=(1280, 1060))
        page.locator("#samples option", has_text="The soup was wonderful").first.wait_for(
            state="attached"
        )
        page.select_option("#samples", sample_of(page, "The soup was wonderful"))
        run(page)
        page.get_by_role("button", name="Drop one level").click()
        done(page)
        take(page, "playground")


def sample_of(page, words):
    return page.locator("#samples option", has_text=words).first.get_attribute("value")


def take(page, name):
    from PIL import Image

    shot = Image.open(io.BytesIO(page.screenshot()))
    few = shot.convert("RGB").quantize(160, dither=Image.Dither.NONE)
    few.save(Path(os.environ["POINTLINE_PICTURES"]) / f"{name}.png", optimize=True)
