"""The command line as a user meets it: what is printed, and what the exit code says."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tiny import tiny_model, tiny_records
from typer.main import get_command
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.app.cli_extract import samples
from pointline.corpus.store import read_records, write_dataset, write_records
from pointline.errors import InputError, ModelError, TaskError
from pointline.format.record import Pair, Prediction, Record
from pointline.format.tasks import TASKS, adhoc

RUNNER = CliRunner()


def run(*arguments, stdin=None):
    """The command in a process of its own, as from a shell."""
    return subprocess.run(
        [sys.executable, "-m", "pointline", *map(str, arguments)],
        input=stdin, capture_output=True, timeout=300,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def ask(*arguments, stdin=None):
    """The command in this process; errors come as exceptions."""
    arguments = [str(argument) for argument in arguments]
    return RUNNER.invoke(app, arguments, input=stdin, catch_exceptions=False)


def commands(group=None, path=()):
    group = group or get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def gold(tmp_path):
    records = [record for record in tiny_records(60) if record.task == "scnm-ja"][:6]
    write_records(tmp_path / "gold.jsonl", records)
    return tmp_path / "gold.jsonl"


# ---------------------------------------------------------------- help


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda v: " ".join(v) if isinstance(v, tuple) else ""
)
def test_every_command_says_what_it_does_and_shows_an_example(path, command):
    assert re.search(r"Examples?:", command.help), path
    assert f"pointline {' '.join(path)}" in command.help
    assert all(option.help for option in command.params if option.param_type_name == "option")
    assert ask(*path, "--help").exit_code == 0


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys; from pointline.app.cli import app; from typer.testing import CliRunner;"
        "CliRunner().invoke(app, ['--help']); CliRunner().invoke(app, ['extract', '--help']);"
        "print(sorted({'torch', 'transformers', 'numpy', 'pyarrow', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert ask("--version").stdout.startswith("pointline 0.")


# ---------------------------------------------------------------- tasks, data, score


def test_tasks_are_listed_and_suggested():
    assert "関係抽出" in ask("tasks", "--lang", "ja").stdout
    listed = json.loads(ask("tasks", "--json").stdout)
    assert {task["name"] for task in listed} == set(TASKS)
    wrong = run("tasks", "scnm-jp")
    assert wrong.returncode == 2
    assert wrong.stderr.decode() == (
        "error: no task 'scnm-jp' (pointline tasks lists them);"
        " did you mean scnm-ja or scnm-zh or scnm-en?\n"
    )


def test_the_samples_are_sound_and_in_three_languages(tmp_path):
    records = samples()
    assert min(sum(r.task.endswith(lang) for r in records) for lang in ("en", "ja", "zh")) >= 3
    write_records(tmp_path / "samples.jsonl", records)
    checked = ask("data", "check", tmp_path / "samples.jsonl")
    assert (checked.exit_code, checked.stdout.splitlines()[-1][:23]) == (
        0,
        f"{len(records)} records, 0 problems,"[:23],
    )


def test_check_reports_every_bad_line_and_exits_1(tmp_path):
    lines = [
        '{"id": "1", "task": "scnm-en", "text": "Ada left.", "label": "Nature"}',
        '{"id": "2", "task": "scnm-en", "text": "Bea left.", "label": "Weather"}',
        "not json",
        '{"id": "1", "task": "scnm-en", "text": "Bob left.", "label": "Nature"}',
        '{"id": "5", "task": "scnm-en", "text": "Eve", "label": "Nature", "pairs": [{"label": "people", "entity": "Ada", "start": 0, "end": 3}]}',
    ]
    file = tmp_path / "bad.jsonl"
    file.write_text("\n".join(lines) + "\n")
    found = ask("data", "check", file)
    assert found.exit_code == 1
    told = [line for line in found.stdout.splitlines() if line.startswith(str(file))]
    assert [int(line.split(":")[1]) for line in told] == [2, 3, 4, 5]
    assert found.stdout.splitlines()[-1] == "3 records, 4 problems, 0 warnings"
    told = json.loads(ask("data", "check", file, "--json").stdout)
    assert len(told["problems"]) == 4


def test_score_of_a_perfect_and_a_poor_prediction(tmp_path, gold):
    records = read_records(gold)
    poor = [Prediction(r.id, r.task, r.text, r.label, r.pairs[:1]) for r in records]
    write_records(tmp_path / "poor.jsonl", poor)
    assert json.loads(ask("score", gold, gold, "--json").stdout)["all"] == 1.0
    told = json.loads(ask("score", gold, tmp_path / "poor.jsonl", "--json").stdout)
    assert told["tl"]["f1"] == 1.0
    assert told["wl"]["f1"] == pytest.approx(2 / 3)
    drawn = json.loads(ask("score", gold, gold, "--draws", 2, "--size", 3, "--json").stdout)
    assert (len(drawn["draws"]), drawn["all"]) == (2, 1.0)
    assert "66.67" in ask("score", gold, tmp_path / "poor.jsonl", "--labels").stdout


# ---------------------------------------------------------------- extract and predict


def test_extract_reads_arguments_files_and_standard_input(tmp_path, model):
    asked = ("--model", model, "--task", "scnm-ja", "--json")
    one = run("extract", "清少納言は京都にいた。", *asked)  # in a process: nothing else is printed
    assert one.returncode == 0, one.stderr.decode()
    record = json.loads(one.stdout)
    assert record["ok"] and record["label"] in TASKS["scnm-ja"].labels
    assert one.stderr == b""
    (tmp_path / "texts.txt").write_text("﻿雨が降る。\r\n\n風が吹く。\n", encoding="utf-8")
    two = ask("extract", "--file", tmp_path / "texts.txt", *asked)
    assert [json.loads(line)["text"] for line in two.stdout.splitlines()] == [
        "雨が降る。",
        "風が吹く。",
    ]
    whole = ask("extract", "--whole", *asked, stdin="雨が\n降る。".encode())
    assert json.loads(whole.stdout)["text"] == "雨が\n降る。"


def test_a_task_may_be_the_one_that_a_dataset_carries(tmp_path, model, gold):
    own = adhoc(labels=["晴", "雨"], entities=["人"], lang="ja", word="天気")
    record = Record("1", "adhoc", "葵は濡れた。", "雨", (Pair("人", "葵", 0, 1),))
    write_dataset(tmp_path / "own", own, {"test": [record]})
    done = ask("extract", "葵は濡れた。", "--task", tmp_path / "own", "--model", model, "--json")
    assert json.loads(done.output)["label"] in own.labels
    shown = ask("tasks", tmp_path / "own" / "manifest.json", "--json")
    assert json.loads(shown.output) == [own.to_dict()]
    (tmp_path / "loose.jsonl").write_bytes((tmp_path / "own" / "test.jsonl").read_bytes())
    done = ask(
        "score", tmp_path / "loose.jsonl", tmp_path / "loose.jsonl", "--task", tmp_path / "own",
        "--protocol", "paper", "--json",
    )  # fmt: skip
    assert json.loads(done.output)["all"] == 1.0
    with pytest.raises(TaskError, match="no manifest here carries a task"):
        ask("tasks", gold)


def test_the_paper_protocol_reads_what_was_said_or_what_was_meant(tmp_path):
    """The example of docs/scoring.md: a delimiter that pointline's own form escapes."""
    gold = Record("1", "scnm-en", "The 10:30 was late.", "Society", (Pair("events", "10:30"),))
    said = Prediction(
        gold.id, gold.task, gold.text, gold.label, gold.pairs,
        completion="Society/NER/:events;10\\:30",
    )  # fmt: skip
    for name, record in (("gold", gold), ("said", said)):
        write_records(tmp_path / f"{name}.jsonl", [record])
    files = (tmp_path / "gold.jsonl", tmp_path / "said.jsonl")
    found = {}
    for way in ("raw", "rewritten"):
        asked = ("--protocol", "paper", "--completions", way, "--json")
        found[way] = json.loads(ask("score", *files, *asked).output)["wl"]["f1"]
        asked = ("compare", files[1], files[1], "--gold", files[0], *asked, "--resamples", 10)
        assert json.loads(ask(*asked).output)["wl"]["first"] == found[way]
    assert found == {"raw": pytest.approx(2 / 3), "rewritten": 1.0}


def test_a_device_that_is_not_there_is_one_line(model):
    with pytest.raises(ModelError, match="no device 'cuda:99' here"):
        ask("extract", "x", "--task", "scnm-en", "--model", model, "--device", "cuda:99")


def test_a_pipe_is_read_like_a_file_where_one_reading_is_enough(tmp_path, model, gold):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gold.read_bytes(),))
    writer.start()
    assert json.loads(ask("score", gold, pipe, "--json").output)["all"] == 1.0
    writer.join()
    with pytest.raises(InputError, match="name a file"):
        ask("predict", pipe, "--out", tmp_path / "run", "--model", model)


def test_extract_takes_own_labels_and_writes_a_page(tmp_path, model):
    page = tmp_path / "page.html"
    done = ask("extract", "太郎が得点した。", "--model", model, "--labels", "スポーツ,政治",
               "--entities", "選手、チーム", "--html", page, "--json")  # fmt: skip
    assert done.exit_code == 0
    assert json.loads(done.stdout)["label"] in ("スポーツ", "政治")
    assert "太郎" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", ":;/", "\\", " ", "\t\x1b[2J", "👩‍🚀", "<eos><bos>"])
def test_extract_takes_any_text(model, text):
    done = ask("extract", text, "--model", model, "--task", "scnm-en", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["text"] == text


def test_predict_goes_on_where_it_stopped_and_refuses_other_settings(tmp_path, model, gold):
    out = tmp_path / "run"
    asked = ("predict", gold, "--model", model, "--out", out, "--max-new-tokens", 32)
    assert ask(*asked, "--json").exit_code == 0
    predictions = out / "predictions.jsonl"
    lines = predictions.read_bytes().splitlines(keepends=True)
    assert len(lines) == 6
    predictions.write_bytes(b"".join(lines[:4]) + lines[4][:20])  # what a kill leaves
    told = json.loads(ask(*asked, "--json").stdout)
    assert (told["records"], told["made"]) == (6, 2)
    assert sorted(predictions.read_bytes().splitlines()) == sorted(b"".join(lines).splitlines())
    assert json.loads((out / "metrics.json").read_text())["score"]["records"] == 6
    events = [json.loads(line)["event"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert events == ["start", "done"] * 2
    fewer = json.loads(ask(*asked, "--limit", 2, "--batch-size", 1, "--json").stdout)
    assert (fewer["made"], fewer["score"]["records"]) == (0, 2)
    with pytest.raises(InputError, match="holds a run with another options"):
        ask(*asked, "--free")
    assert json.loads(ask("score", gold, out, "--json").stdout)["records"] == 6


def test_train_then_extract_with_what_was_trained(tmp_path, model):
    folder = tmp_path / "scnm-ja"
    records = [record for record in tiny_records(60) if record.task == "scnm-ja"]
    write_dataset(folder, TASKS["scnm-ja"], {"train": records[:12], "dev": records[12:14]})
    asked = ("train", folder, "--model", model, "--out", tmp_path / "run", "--epochs", 1,
             "--dev-examples", 2, "--max-length", 200, "--batch-tokens", 400)  # fmt: skip
    told = json.loads(ask(*asked, "--json").stdout)
    assert told["finished"] and told["model"] == "adapter"
    assert set(told["history"][0]["scores"]["scnm-ja"]) >= {"tl", "wl", "all"}
    again = ask(*asked)
    assert "scnm-ja" in again.stdout and (tmp_path / "run" / "curves.png").is_file()
    found = ask("extract", "雨だ。", "--model", tmp_path / "run", "--task", "scnm-ja", "--json")
    assert json.loads(found.stdout)["ok"]


# ---------------------------------------------------------------- bad input


def test_a_training_that_was_stopped_is_not_done(tmp_path, monkeypatch):
    from pointline.app import cli_train
    from pointline.model.train import TrainResult

    stopped = TrainResult(tmp_path / "run", None, False, 3, 9, 100, 1.0, ())
    monkeypatch.setattr(cli_train, "_run", lambda config: stopped)
    done = ask("train", tmp_path / "data", "--out", tmp_path / "run")
    assert done.exit_code == 130
    assert "stopped at step 3 of 9: run the same command again" in done.output


def one_line(done):
    assert done.returncode == 2, (done.returncode, done.stderr.decode())
    assert done.stdout == b""
    message = done.stderr.decode()
    assert message.count("\n") == 1 and message.startswith("error: "), message
    return message


def test_bad_input_gets_one_clear_line(tmp_path, gold):
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(gold.read_bytes() + b'{"id": "x", "task": "scnm-ja"}\n')
    assert "broken.jsonl:7" in one_line(run("score", broken, gold))
    assert "no such file" in one_line(run("score", tmp_path / "nowhere.jsonl", gold)).lower()
    assert "nowhere" in one_line(
        run("extract", "x", "--task", "scnm-en", "--model", tmp_path / "nowhere")
    )
    assert "what to extract?" in one_line(run("extract", "x"))
    assert "not both" in one_line(run("extract", "x", "--task", "scnm-en", "--labels", "a,b"))
    assert "did you mean scnm-en" in one_line(run("extract", "x", "--task", "scnm-enn"))
    assert "cannot write here" in one_line(
        run("extract", "x", "--task", "scnm-en", "--html", tmp_path / "no" / "page.html")
    )
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"fine\ncaf\xe9\n")
    assert "latin.txt:2: not UTF-8" in one_line(
        run("extract", "--file", latin, "--task", "scnm-en")
    )
    assert "no text in it" in one_line(run("extract", "--task", "scnm-en", stdin=b"\n \n"))


def test_a_missing_extra_is_named(tmp_path):
    blocker = tmp_path / "site" / "torch"
    blocker.mkdir(parents=True)
    (blocker / "__init__.py").write_text("raise ImportError('blocked')")
    done = subprocess.run(
        [sys.executable, "-m", "pointline", "extract", "x", "--task", "scnm-en"],
        capture_output=True, timeout=120, env={**os.environ, "PYTHONPATH": str(blocker.parent)},
    )  # fmt: skip
    assert 'pip install "pointline[' in one_line(done)


def test_the_package_runs_as_a_module():
    assert run("--version").stdout.decode().startswith("pointline ")
    assert Path(sys.modules["pointline"].__file__).with_name("__main__.py").is_file()
