"""The review page's server."""

from pointline.review.web.app import Limits, make_app

__all__ = ["Limits", "make_app"]
