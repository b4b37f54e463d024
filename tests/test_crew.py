"""Work in processes."""

import os
import signal

import pytest

from pointline.corpus.crew import crew, processors
from pointline.errors import CorpusError


def halved(number: int) -> int:
    if number % 2:
        raise CorpusError(f"{number} is odd")
    return number // 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_items_and_each_is_told_of(jobs):
    told = []
    with crew(jobs) as workers:
        assert workers.run(halved, [8, 2, 6, 4], done=told.append) == [4, 1, 3, 2]
        assert workers.run(halved, [], done=told.append) == []
        assert sorted(told) == [2, 4, 6, 8]
        with pytest.raises(CorpusError, match="3 is odd"):
            workers.run(halved, [2, 3, 4], done=told.append)
    assert processors() >= 1


def killed(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_process_is_told_of():
    with crew(2) as workers, pytest.raises(CorpusError, match=r"was killed, .* with fewer jobs"):
        workers.run(killed, [1], done=print)
