"""The queue: what is to be reviewed, who has it, what was decided, in SQL."""

from pointline.review.queue.queue import Change, Moment, Opened, Queue

__all__ = ["Change", "Moment", "Opened", "Queue"]
