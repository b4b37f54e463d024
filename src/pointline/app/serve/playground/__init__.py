"""The playground: the page on which people try a served model, in front of its HTTP interface."""

from pointline.app.serve.playground.router import HEADERS, playground

__all__ = ["HEADERS", "playground"]
