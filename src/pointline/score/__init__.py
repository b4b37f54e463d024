"""TL, WL and ALL, and how sure one can be of them."""

from pointline.score.align import align
from pointline.score.judge import Outcome, Rules, judge
from pointline.score.match import draws, outcomes, score
from pointline.score.report import Counts, Draws, Report, Share
from pointline.score.significance import Interval, bootstrap

__all__ = [
    "Counts",
    "Draws",
    "Interval",
    "Outcome",
    "Report",
    "Rules",
    "Share",
    "align",
    "bootstrap",
    "draws",
    "judge",
    "outcomes",
    "score",
]
