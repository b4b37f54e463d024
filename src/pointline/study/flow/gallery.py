"""Every picture of a study, drawn into its folder."""

from __future__ import annotations

from pointline.corpus.canvas import Drawn
from pointline.study.flow.figures import draw_curves, draw_knockouts, draw_ratios
from pointline.study.flow.pictures import draw_map, draw_text
from pointline.study.flow.result import FlowStudy
from pointline.study.flow.shown import read_shown

__all__ = ["draw"]


def draw(study: FlowStudy) -> list[Drawn]:
    """Draw every picture of a study into its folder `figures`.

    Raises MissingExtra without matplotlib.
    """
    folder = study.folder / "figures"
    made = [
        draw_curves(study, folder / "curves-means", view="means"),
        draw_curves(study, folder / "curves-shares", view="shares"),
        draw_ratios(study, folder / "ratio-to-null"),
        draw_knockouts(study, folder / "knockout"),
    ]
    for name, result in study.results.items():
        for path in result.shown[:1]:
            shown = read_shown(path)
            made.append(draw_map(shown, folder / f"map-{name}", title=f"{name}, {shown.id}"))
            made.append(draw_text(shown, folder / f"text-{name}", title=f"{name}, {shown.id}"))
    return made
