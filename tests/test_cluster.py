"""A study on a Ray cluster of this machine; without Ray the extra that brings it is named."""

import builtins
import importlib.util
from concurrent.futures import Future
from dataclasses import replace

import pytest
from studied import small_datasets, small_design

from pointline.app.cluster import cluster
from pointline.errors import InputError, MissingExtra
from pointline.study.ablation import plan_study
from pointline.study.plan import PlannedRun
from pointline.study.results import read_study
from pointline.study.schedule import Task, run_study

_RUN = PlannedRun("scnm-en.text-label.0", "scnm-en", "text->label", 0, 1, 1)
_HAS_RAY = importlib.util.find_spec("ray") is not None


def test_without_ray_its_extra_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name == "ray":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r'pointline\[cluster\]"'), cluster("auto"):
        pass


@pytest.mark.skipif(not _HAS_RAY, reason="needs pointline[cluster]")
def test_a_cluster_of_two_workers_does_a_study_and_tells_what_fails(base, tmp_path):
    with pytest.raises(InputError, match="no Ray cluster"), cluster("127.0.0.1:1"):
        pass
    small_datasets(tmp_path / "data")
    out = tmp_path / "out"
    design = replace(small_design(base), conditions=("text->label",))
    plan_study(out, [tmp_path / "data" / "scnm-zh", tmp_path / "data" / "scnm-en"], design)
    with cluster("local", 2) as workers:
        outcome = run_study(out, workers)
        failed: Future[bool] = workers.submit(Task(tmp_path / "none", _RUN))
        with pytest.raises(InputError, match="holds no study"):
            failed.result(timeout=60)
    assert outcome.finished and outcome.made == 2 and not outcome.failed
    assert read_study(out).missing == ()
