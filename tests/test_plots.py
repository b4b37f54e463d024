"""Figures: that both files are written, and what is refused."""

import pytest

from pointline.errors import InputError
from pointline.study.plots import training_curves


def test_training_curves_as_png_and_svg(tmp_path):
    lines = [f"{i},{5 / (i + 1)},{0.001 * (20 - i)}" for i in range(20)]
    curves = tmp_path / "curves.csv"
    curves.write_text("\n".join(["step,loss,rate", *lines]) + "\n")
    png, svg = training_curves(curves)
    assert png.read_bytes().startswith(b"\x89PNG") and "<svg" in svg.read_text()
    assert {path.parent for path in (png, svg)} == {tmp_path}


BAD = {
    "missing": (None, "no such file"),
    "no rows": ("step\n", "no rows"),
    "half a row": (
        "step,loss,rate\n0,5.0,0.1\n1,4",
        r"curves\.csv:3: the rate is None, not a number",
    ),
    "a word": ("step,loss,rate\n0,high,0.1\n", r"curves\.csv:2: the loss is 'high', not a number"),
    "no text": (b"step,loss,rate\n\xff,1,1\n", "not a CSV file"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_file_that_holds_no_curves(tmp_path, content, message):
    curves = tmp_path / "curves.csv"
    if content is not None:
        curves.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        training_curves(curves)
