"""Work in processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time

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


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_do_not_outlive_the_one_that_was_killed():
    code = textwrap.dedent("""
        import os, time
        from pointline.corpus.crew import crew
        with crew(2) as workers:
            print(workers.pool.submit(os.getpid).result(), flush=True)
            workers.run(time.sleep, [0, 300], done=lambda seconds: None)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as giver:
        assert giver.stdout
        worker = int(giver.stdout.readline())
        assert alive(worker)
        giver.kill()
    ends = time.monotonic() + 30
    while alive(worker) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not alive(worker)
