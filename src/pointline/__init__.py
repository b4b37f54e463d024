"""pointline: joint text-level and word-level information extraction."""

from pointline.version import __version__ as __version__
