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


@pytest.mark.parametrize(("text", "message"), [(None, "no such file"), ("step\n", "no rows")])
def test_a_file_that_holds_no_curves(tmp_path, text, message):
    curves = tmp_path / "curves.csv"
    if text is not None:
        curves.write_text(text)
    with pytest.raises(InputError, match=message):
        training_curves(curves)
