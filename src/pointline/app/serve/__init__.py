"""`pointline serve`: an extractor behind HTTP, and the page on which people try it."""

from pointline.app.serve.app import Site, make_site, require
from pointline.app.serve.limits import Limits

__all__ = ["Limits", "Site", "make_site", "require"]
