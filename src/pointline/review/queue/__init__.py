"""The queue: what is to be reviewed, who has it, what was decided, in SQL."""

from pointline.review.queue.queue import Change, Opened, Queue

__all__ = ["Change", "Opened", "Queue"]
