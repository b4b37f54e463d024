"""The version of the package, and of what can change a number that a user reports."""

__version__ = "0.1.0"

#: Raised when `codec.write` or `codec.read` could give another result for the same input.
CODEC_VERSION = 1

#: Raised when `score` could give another number for the same two files.
SCORE_VERSION = 1
