import copy
import pickle

import pytest

from pointline import errors
from pointline.errors import (
    FormatError,
    InputError,
    MissingExtra,
    ModelError,
    PointlineError,
    PreflightError,
    RecordError,
    TaskError,
)

ONE_OF_EACH = [
    PointlineError("root"),
    InputError("no text"),
    FormatError("expected ';'", "Nature/NER/:people", 12),
    RecordError("no 'text'", path="a.jsonl", line=3),
    errors.OffsetError("the span [0, 2) is not the entity", path="a.jsonl", line=3),
    TaskError("no task 'scnm-jp'", close=["scnm-ja"]),
    errors.CorpusError("no such folder"),
    errors.TextTooLong("9 tokens too many"),
    PreflightError("3 problems", ["a", "b", "c"]),
    ModelError("damaged"),
    errors.ServerError("http://127.0.0.1:1/v1: no server answers there"),
    errors.NoAnswer("500 six times"),
    errors.BudgetSpent("1,000 tokens"),
    MissingExtra("torch", extra="hf", note="2 GB"),
]


def test_the_list_here_is_the_whole_tree():
    assert {type(error).__name__ for error in ONE_OF_EACH} == set(errors.__all__)


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("travel", [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy])
def test_an_error_travels_between_processes_with_all_it_carries(error, travel):
    error.add_note("while reading")
    back = travel(error)
    assert type(back) is type(error)
    assert (str(back), repr(back), back.args) == (str(error), repr(error), error.args)
    assert vars(back) == vars(error)
    assert getattr(back, "msg", None) == getattr(error, "msg", None)  # ImportError keeps its own
    error.__notes__.clear()


def test_a_class_of_another_package_travels_too():
    class Local(InputError):
        pass

    kind, arguments = Local("here").__reduce__()
    assert str(kind(*arguments)) == "here"
