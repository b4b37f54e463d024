"""Whole studies on a tiny model: what is written, what a kill loses, what the page says."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flow_models import batch_of, tokens
from tiny import tiny_datasets
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.errors import InputError
from pointline.model import backbone
from pointline.study.flow import begin, tables
from pointline.study.flow.curves import Band
from pointline.study.flow.gallery import draw
from pointline.study.flow.knockout import CUTS, CUTS_BEFORE, cuts, draw_edges, windows
from pointline.study.flow.page import page
from pointline.study.flow.parts import Parts, read_npz
from pointline.study.flow.prompt import Role
from pointline.study.flow.result import read_flow
from pointline.study.flow.run import Engine, run
from pointline.study.flow.samples import choose, read_split
from pointline.study.flow.settings import RECIPES, FlowConfig
from pointline.study.flow.shown import read_shown
from pointline.study.flow.tables import write_tables
from pointline.study.flow.words import CRITICISM, conclusions

SMALL = FlowConfig(
    "items-to-label", split="train", samples=6, draws=5, random_samples=3, knockout=1,
    knockout_samples=2, maps=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return [Path(path) for path in tiny_datasets(tmp_path_factory.mktemp("data"), 30)]


@pytest.fixture(scope="module")
def study(tmp_path_factory, data, base):
    out = tmp_path_factory.mktemp("flow") / "study"
    run(data, SMALL, out=out, model=str(base), engine=Engine(batch_tokens=200))
    return read_flow(out)


def arrays(folder):
    """Every array of a study by the sample it is of, whatever batch that came in."""
    found = {}
    for stage in sorted({file.parent for file in folder.glob("*/*/[0-9]*.npz")}):
        if stage.name == "maps":
            continue
        for file in stage.glob("*.npz"):
            part = read_npz(file)
            for row, id in enumerate(part["ids"]):
                for name in part.keys() - {"ids"}:
                    found[stage.parent.name, stage.name, str(id), name] = part[name][row]
    return found


def test_a_study_has_every_stage_of_every_dataset(study):
    assert list(study.results) == ["scnm-en", "scnm-ja", "scnm-zh"]
    for result in study.results.values():
        assert result.curves.samples == result.facts["samples"] > 4
        assert len(result.curves.layers) == 2
        assert len(result.random) == 1 and result.random[0].samples == 3
        assert result.knocked is not None and result.knocked.samples == 2
        assert result.knocked.windows == ((0, 0), (1, 1), (0, 1))
        assert len(result.shown) == 1
        assert result.curves.means.middle[0, -1] == 0  # S_wp of the last layer
        assert (result.curves.means.low <= result.curves.means.middle).all()
        assert (result.curves.null_means.low <= result.curves.null_means.high).all()


def test_a_finished_study_is_not_run_again(study, data, base, monkeypatch):
    def never(*told, **more):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(begin.backbones, "load", never)
    run(data, SMALL, out=study.folder, model=str(base))


def test_batches_change_nothing(study, data, base, tmp_path):
    engine = Engine(batch_tokens=1, checkpointing=True)
    run(data, SMALL, out=tmp_path / "one", model=str(base), engine=engine)
    first, second = arrays(study.folder), arrays(tmp_path / "one")
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_allclose(second[key], value, rtol=2e-3, atol=2e-6, err_msg=str(key))


KILLED = """
import sys
from pathlib import Path
from pointline.study.flow.run import Engine, run
from pointline.study.flow.samples import choose, read_split
from pointline.study.flow.settings import FlowConfig
out, model, *data = sys.argv[1:]
config = FlowConfig("items-to-label", split="train", samples=6, draws=5, random_samples=3,
                    knockout=1, knockout_samples=2, maps=1)
run([Path(one) for one in data], config, out=Path(out), model=model,
    engine=Engine(batch_tokens=1))
"""


def test_a_killed_study_loses_a_batch_at_most(study, data, base, tmp_path):
    out = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(out), str(base), *map(str, data)]
    process = subprocess.Popen(command)
    stage = out / "scnm-ja" / "model"
    while not list(stage.glob("*.npz")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {file: file.stat().st_mtime_ns for file in out.glob("*/*/[0-9]*.npz")}
    assert not (out / "finished.json").exists() and len(kept) >= 7
    run(data, SMALL, out=out, model=str(base), engine=Engine(batch_tokens=1))
    assert all(file.stat().st_mtime_ns == when for file, when in kept.items())
    whole, resumed = arrays(study.folder), arrays(out)
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        np.testing.assert_allclose(resumed[key], value, rtol=2e-3, atol=2e-6, err_msg=str(key))


def test_half_a_file_does_not_count(tmp_path):
    parts = Parts(tmp_path)
    parts.add({"ids": np.array(["a", "b"])})
    (tmp_path / ".00001.npz.partial").write_bytes(b"PK")
    assert parts.done() == {"a", "b"}
    (tmp_path / "00001.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be read"):
        parts.done()


def test_what_is_left_out_is_counted(base, data, tmp_path):
    lengths = sorted(len(one.tokens) for one in choose_all(base, data[0]))
    short = replace(SMALL, max_tokens=lengths[2], knockout=0, random_models=0, maps=0)
    run(data[:1], short, out=tmp_path / "a", model=str(base))
    facts = read_flow(tmp_path / "a").results["scnm-en"].facts
    fitting = sum(length <= lengths[2] for length in lengths)
    assert facts["samples"] == min(fitting, SMALL.samples)
    assert sum(facts["left_out"].values()) <= len(lengths) - facts["samples"]
    with pytest.raises(InputError, match=r"no record can be measured \(\d+ longer than max_tokens"):
        run(data[:1], replace(SMALL, max_tokens=5), out=tmp_path / "b", model=str(base))


def test_tables_have_every_number(study):
    files = write_tables(study)
    with files[0].open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 3 * 3 * 2
    row = next(r for r in rows if r["quantity"] == "S_pq" and r["layer"] == "0")
    curves = study.results["scnm-en"].curves
    assert float(row["mean"]) == curves.means.middle[1, 0]
    assert float(row["ratio"]) == pytest.approx(float(row["mean"]) / float(row["null_mean"]))
    assert row["estimate"] and row["random_mean"] and float(row["reached"]) <= 1
    shares = [float(r["share"]) for r in rows if r["layer"] == "0" and r["dataset"] == "scnm-ja"]
    assert sum(shares) == pytest.approx(1)
    held = read_npz(study.folder / "scnm-ja" / "samples.npz")
    assert held["table"].shape == (6, 2, 6, 6)
    assert list(held["roles"])[3] == "TEXT"


@pytest.mark.parametrize("source", ["text", "all"])
def test_reached_is_of_the_same_pairs_as_the_means(study, source):
    """One sample, a layer that sees half of what is before each token of the information."""
    result = study.results["scnm-en"]
    measured = replace(
        result.measured, reached=result.measured.reached.copy(), pairs=result.measured.pairs.copy()
    )
    measured.pairs[:] = 10
    measured.reached[:, 0] = 10
    measured.reached[:, 0, Role.INFO, :] = 4
    measured.reached[:, 0, Role.INFO, Role.TEXT] = 2
    measured.reached[:, 0, Role.TARGET, Role.INFO] = 7
    found = {row["quantity"]: row["reached"] for row in rows_of(study, measured, source)}
    size = len(Role)
    into = 0.2 if source == "text" else (2 + (size - 1) * 4) / (size * 10)
    seen = (size * size - size) * 10 - 3 + 2 + (size - 1) * 4  # of all pairs
    counted = size * 10 if source == "all" else 10
    rest = (seen - into * counted - 7) / (size * size * 10 - counted - 10)
    assert found == pytest.approx({"S_wp": into, "S_pq": 0.7, "S_ww": rest})


def rows_of(study, measured, source):
    """The rows of layer 0, as they are written."""
    result = replace(study.results["scnm-en"], measured=measured)
    made = replace(study, config=replace(study.config, source=source), results={"scnm-en": result})
    return [row for row in tables._curve_rows(made) if row["layer"] == 0]


def test_maps_are_of_the_sample_that_is_shown(study):
    result = study.results["scnm-ja"]
    shown = read_shown(result.shown[0])
    row = result.measured.ids.index(shown.id)
    assert shown.maps.shape[1] == len(shown.roles) == len(shown.tokens)
    np.testing.assert_allclose(shown.maps.sum((1, 2)), result.measured.table[row].sum((1, 2)), 1e-4)
    by_char = shown.by_character(shown.into_target.sum(0))
    seen = [end > start for start, end in shown.spans]
    np.testing.assert_allclose(by_char.sum(), shown.into_target.sum(0)[seen].sum(), 1e-5)


def test_knockouts_leave_nothing_where_nothing_is_cut(study):
    """In the last layer only the target's row counts: no text reaches the information there."""
    for result in study.results.values():
        assert abs(result.knocked.change[1, 0]) < 1e-6  # text->info in layer 1 alone
        assert result.knocked.change[1, 1] != 0  # info->target
        np.testing.assert_allclose(
            result.knocked.change[0, 0], result.knocked.change[2, 0], rtol=1e-4, atol=1e-6
        )


def test_the_controls_of_knockouts_cut_as_many_edges():
    """Each control as many as the cut that it stands beside, whatever the batch."""
    prompts = [tokens(23, 1), tokens(17, 2), tokens(12, 3)]
    made, _ = batch_of(prompts)
    drawn = [draw_edges(one, seed) for seed, one in enumerate(prompts)]
    found = cuts(made, drawn)
    assert list(found) == list(CUTS)
    seen = [(found[name][:, 0].tril(-1)).sum((1, 2)).tolist() for name in CUTS]
    assert seen[0] == seen[2] == [len(p.at(Role.TEXT)) * len(p.at(Role.INFO)) for p in prompts]
    assert seen[1] == seen[3] == [len(p.at(Role.INFO)) for p in prompts]
    for row, prompt in enumerate(prompts):
        begin, edges = 23 - len(prompt), found["random edges"][row, 0]
        pool = {*prompt.at(Role.TEXT), *prompt.at(Role.INFO)}
        pairs = [(i - begin, j - begin) for i, j in edges.nonzero().tolist()]
        assert all(j < i and {i, j} <= pool for i, j in pairs)
        alone = cuts(batch_of([prompt])[0], [draw_edges(prompt, row)])["random edges"][0, 0]
        assert edges[begin:, begin:].equal(alone)
    again, other = draw_edges(prompts[0], 0), draw_edges(prompts[0], 9)
    assert np.array_equal(drawn[0], again) and not np.array_equal(again, other)


def test_random_edges_are_drawn_evenly():
    """Over many seeds every pair of text and information comes about as often as any other."""
    prompt = tokens(12)
    size = len(prompt.at(Role.TEXT)) + len(prompt.at(Role.INFO))
    drawn = np.concatenate([draw_edges(prompt, seed) for seed in range(500)])
    pairs, times = np.unique(drawn, axis=0, return_counts=True)
    assert len(pairs) == size * (size - 1) / 2
    assert times.min() > 0.85 * times.mean() and times.max() < 1.15 * times.mean()


def test_an_earlier_versions_knockouts_are_read_as_what_they_are(study, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(study.folder, old)
    for cut in old.glob("*/cuts"):
        cut.rename(cut.with_name("knockout"))
    result = read_flow(old).results["scnm-ja"]
    assert result.knocked.cuts == CUTS_BEFORE
    assert "about half as many (an earlier version's control)" in " ".join(conclusions(result))
    assert "text->random" in write_tables(read_flow(old))[1].read_text(encoding="utf-8")


def test_windows_of_layers():
    assert windows(range(4), 4) == (frozenset(range(4)),)
    assert windows([0, 2, 5], 2) == (frozenset({0, 2}), frozenset({5}), frozenset({0, 2, 5}))


def test_the_words_say_what_the_controls_say(study):
    said = " ".join(conclusions(study.results["scnm-en"]))
    assert "S_pq is above the random positions' 5 to 95 % band in" in said
    assert "Spearman over layers" in said and "Cut in earnest in all layers" in said
    assert "the largest of 2 layers, and the interval is not corrected for that choice" in said
    assert "as many edges drawn from all pairs within text and information by" in said
    assert any("Liu et al. 2022" in one for one in CRITICISM)
    bare = replace(study.results["scnm-en"], knocked=None, random=())
    assert "--knockout does" in " ".join(conclusions(bare))


def test_the_page_runs_one_script_and_escapes_all_else(study, tmp_path, monkeypatch):
    made = page(study)
    assert "script-src 'sha256-" in made and "default-src 'none'" in made
    assert made.count("<script") == 2 and "http" not in made.replace(
        "http://www.w3.org/2000/svg", ""
    ).replace("http-equiv", "")
    assert all(name in made for name in ("scnm-en", "Kramár", "S_pq"))
    evil = replace(study, model="</script><b>", adapter="<i>")
    made = page(evil)
    assert "</script><b>" not in made and "&lt;/script&gt;&lt;b&gt;" in made


def test_the_page_steps_through_samples_and_layers(study, browser, tmp_path):
    """In a real browser: nothing is asked for, nothing fails, and what is chosen is shown."""
    file = tmp_path / "index.html"
    file.write_text(page(study), encoding="utf-8")
    shown = browser.new_page()
    faults, asked = [], []
    shown.on("console", lambda message: faults.append(message.text))
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(file.as_uri())
    shown.select_option("#dataset", "1")
    result = study.results["scnm-ja"]
    sample = read_shown(result.shown[0])
    assert shown.text_content("#text") == sample.text
    assert shown.get_attribute("#text", "lang") == "ja"
    summed = "all layers: their sum in the text, the greatest in the map"
    assert shown.text_content("#which") == summed
    shown.fill("#layer", "1")
    assert shown.text_content("#which") == "layer 1"
    hottest = shown.eval_on_selector_all(
        "#text span",
        "all => all.map(one => parseFloat(one.style.backgroundColor.split(',').pop()))",
    )
    heat = sample.by_character(sample.into_target[1])
    assert hottest.index(max(hottest)) == heat.argmax()
    shown.wait_for_function("document.getElementById('map').width > 1 && state.map !== null")
    assert shown.evaluate("document.getElementById('map').width") == len(sample.roles)
    assert shown.locator("#words li").count() == len(conclusions(result))
    shown.close()
    assert not faults and asked == [file.as_uri()]


def test_the_pages_curves_are_drawn_where_they_are(study, browser, tmp_path):
    """Random weights far above all else, a null far below, a 0 in the midst and one at the end."""
    result = study.results["scnm-ja"]
    layers = (0, 1, 2, 3, 4)
    means = np.array([[1e-3, 0, 2e-3, 1e-3, 0], [1e-3] * 5, [1e-4] * 5])
    flat = Band(means, means, means)
    null = Band(means, means / 100, means * 2)
    own = replace(
        result.curves, layers=layers, means=flat, shares=flat, null_means=null, null_shares=null
    )
    random = replace(own, means=replace(flat, middle=means * 50))
    made = replace(result, curves=own, random=(random,), shown=result.shown)
    file = tmp_path / "index.html"
    file.write_text(page(replace(study, results={"scnm-ja": made})), encoding="utf-8")
    shown = browser.new_page()
    shown.goto(file.as_uri())
    lines = shown.eval_on_selector_all(
        "#curves polyline", "all => all.map(one => [one.getAttribute('stroke'),"
        " one.getAttribute('stroke-dasharray'), one.getAttribute('points')])",
    )  # fmt: skip
    found = {
        (colour[6:8], dash): [tuple(map(float, one.split(","))) for one in points.split()]
        for colour, dash, points in lines
    }
    assert {"wp", "pq", "ww"} == {colour for colour, _ in found}
    heights = [y for points in found.values() for _, y in points]
    assert 18 <= min(heights) < max(heights) <= 232

    def height(value):  # from 1e-5, the least of a null, to 0.1, the greatest of random weights
        return 232 - 214 * (np.log10(value) + 5) / 4

    assert [y for _, y in found["pq", "2 4"]] == pytest.approx([height(0.05)] * 5)
    assert [y for _, y in found["ww", "none"]] == pytest.approx([height(1e-4)] * 5)
    assert [x for x, _ in found["wp", "none"]] == pytest.approx([62 + 155 * at for at in (2, 3)])
    dots = shown.eval_on_selector_all(
        "#curves circle", "all => all.map(one => one.cx.baseVal.value)"
    )
    assert dots == pytest.approx([62, 62])  # S_wp of layer 0, alone between zeros, twice
    shown.wait_for_function("state.map !== null")
    told = shown.evaluate(
        "(() => { state.map.fill(0); under({clientX: at('map').getBoundingClientRect().left + 1,"
        " clientY: at('map').getBoundingClientRect().bottom - 1});"
        " return at('under').textContent; })()"
    )
    assert told.endswith("at most 0.0001 of the greatest flow")
    shown.close()


def test_pictures_lie_beside_their_data(study):
    pytest.importorskip("matplotlib")
    drawn = draw(replace(study, results={"scnm-ja": study.results["scnm-ja"]}))
    names = {file.name for one in drawn for file in one.files}
    for stem in ("curves-means", "curves-shares", "ratio-to-null", "knockout", "map-scnm-ja"):
        assert {f"{stem}.{kind}" for kind in ("png", "svg", "csv")} <= names
    with (study.folder / "figures" / "curves-shares.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["quantity"] for row in rows} == {"S_wp", "S_pq", "S_ww"} and len(rows) == 6
    assert "mathdefault" not in (study.folder / "figures" / "curves-means.svg").read_text()


# ---------------------------------------------------------------- the command


def test_the_command_writes_everything_and_tells(data, base, tmp_path):
    out = tmp_path / "out"
    told = [
        "study", "flow", str(data[2]), "--direction", "label-to-items", "--model", str(base),
        "--out", str(out), "--split", "train", "--samples", "3", "--draws", "3", "--maps", "1",
        "--random-models", "0", "--knockout", "0", "--prompt", "joint",
    ]  # fmt: skip
    done = CliRunner().invoke(app, told)
    assert done.exit_code == 0, done.output
    assert (
        "S_pq / null" in done.output and "~ random" in done.output and "index.html" in done.output
    )
    assert {"index.html", "curves.csv", "figures"} <= {path.name for path in out.iterdir()}
    again = CliRunner().invoke(app, [*told, "--json", "--no-figures"])
    assert '"conclusions"' in again.output and again.exit_code == 0


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (["--recipe", "nature"], "--recipe is one of pointline, mre, anchors, got 'nature'"),
        (["--template", "mine"], "no template 'mine'"),
        (["--split", "dev"], "has no dev split: it has train"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(data, base, tmp_path, told, words):
    command = ["study", "flow", "--data", str(data[0]), "--direction", "items-to-label"]
    command += ["--model", str(base), "--out", str(tmp_path / "out"), *told]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InputError) and words in str(done.exception)


def test_recipes_are_the_papers_settings():
    mre = RECIPES["mre"].config("items-to-label")
    assert (mre.prompt, mre.samples, mre.seed, mre.source) == ("digits", 1000, 42, "text")
    assert RECIPES["mre"].training["learning_rate"] == 1e-5 and len(RECIPES["mre"].families) == 6
    anchors = RECIPES["anchors"].config("items-to-label")
    assert (anchors.loss, anchors.source, anchors.view) == ("label-set", "all", "shares")
    assert all(FlowConfig.from_dict(r.config("label-to-items").to_dict()) for r in RECIPES.values())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"heads": "mean"}, "heads is one of sum-then-abs, abs-then-sum, got 'mean'"),
        ({"samples": 0}, "samples is at least 1"),
        ({"draws": 2.5}, "draws is a whole number from 0, got 2.5"),
        ({"template": "x"}, "no template 'x': paper, pointline"),
    ],
)
def test_settings_refuse_nonsense(values, words):
    with pytest.raises(InputError, match=words):
        FlowConfig("items-to-label", **values)


def choose_all(base, folder, **settings):
    task, records = read_split(folder, "train")
    config = replace(SMALL, **({"samples": 100} | settings))
    return choose(records, task, backbone.load(base), config).samples


def test_records_are_drawn_in_the_same_order_whatever_their_number(base, data):
    few, more = (choose_all(base, data[0], samples=count) for count in (2, 5))
    assert [one.id for one in few] == [one.id for one in more[:2]]
