"""What a dvc.yaml says, and what is said about one that is wrong."""

from __future__ import annotations

import textwrap

import pytest

from assay.engine.errors import BadInput
from assay.engine.pipeline.spec import Pipeline, PipelineFile, Stage, load, parse


def read(text: str, path: str = "dvc.yaml") -> PipelineFile:
    return parse(textwrap.dedent(text), path)


def only(text: str, path: str = "dvc.yaml") -> Stage:
    return read(text, path).stages[0]


def complaint(text: str, path: str = "dvc.yaml") -> BadInput:
    with pytest.raises(BadInput) as caught:
        read(text, path)
    return caught.value


def stage_with(lines: str) -> str:
    return "stages:\n  train:\n    cmd: run\n" + textwrap.indent(textwrap.dedent(lines), "    ")


def test_a_full_stage() -> None:
    stage = only("""
        stages:
          train:
            cmd: python train.py
            wdir: code
            deps: [train.py, ../data/raw]
            params: [lr, conf/p.json: [a.b, c], whole.toml: null]
            outs:
            - model.pkl
            - log: {cache: false, persist: true, push: false, remote: r, desc: d, type: t, labels: [x], meta: {k: 1}}
            metrics: [m.json: {cache: false}]
            plots: [p.csv: {cache: false, x: step, y: loss}]
            frozen: true
            always_changed: true
            desc: fits
            meta: {anything: [1]}
    """)
    assert (stage.name, stage.cmd, stage.wdir, stage.desc) == ("train", "python train.py", "code", "fits")
    assert stage.frozen
    assert stage.always_changed
    deps = [(dep.path, dep.spelled) for dep in stage.deps]
    assert deps == [("code/train.py", "train.py"), ("data/raw", "../data/raw")]
    assert [(p.path, p.spelled, p.names) for p in stage.params] == [
        ("code/params.yaml", "params.yaml", ("lr",)),
        ("code/conf/p.json", "conf/p.json", ("a.b", "c")),
        ("code/whole.toml", "whole.toml", ()),
    ]
    model, log, metric, plot = stage.outs
    assert (model.path, model.spelled, model.kind) == ("code/model.pkl", "model.pkl", "outs")
    assert (model.cache, model.push, model.persist) == (True, True, False)
    assert (log.cache, log.persist, log.push) == (False, True, False)
    assert (log.remote, log.desc, log.type, log.labels) == ("r", "d", "t", ("x",))
    assert (metric.kind, metric.cache) == ("metrics", False)
    assert (plot.kind, plot.plot) == ("plots", {"x": "step", "y": "loss"})


def test_an_empty_file_is_a_pipeline_without_stages() -> None:
    assert read("") == PipelineFile("dvc.yaml")


def test_top_level_params_metrics_and_plots_are_paths_of_the_project() -> None:
    file = read(
        """
        params: [p.yaml]
        metrics: [../m.json]
        plots: [a.csv, b: {y: {c.csv: loss}, x: {c.csv: step}}, d.csv: {}, e.csv: null]
        artifacts: {m: {path: model.pkl, type: model}}
        datasets: [{name: d, type: dvc, url: u, path: p}]
        vars: [{x: 1}]
        """,
        "sub/dvc.yaml",
    )
    assert file.params == ("sub/p.yaml",)
    assert file.metrics == ("m.json",)
    assert file.artifacts == {"m": {"path": "model.pkl", "type": "model"}}
    assert file.datasets == ({"name": "d", "type": "dvc", "url": "u", "path": "p"},)
    assert file.plots == ("sub/a.csv", "sub/c.csv", "sub/d.csv", "sub/e.csv")


def test_a_stage_in_a_folder_has_that_folder_in_its_address_and_paths() -> None:
    stage = only("stages: {fit: {cmd: x, outs: [o], params: [a]}}", "sub/dvc.yaml")
    assert stage.address == "sub/dvc.yaml:fit"
    assert (stage.wdir, stage.outs[0].path, stage.params[0].path) == ("sub", "sub/o", "sub/params.yaml")
    assert stage.lock_path == "sub/dvc.lock"


def test_a_text_command_is_one_process_a_line() -> None:
    assert only("stages:\n  a:\n    cmd: |\n      one\n      two\n").commands == ("one", "two")


def test_a_list_command_is_one_process_an_item_whatever_lines_it_has() -> None:
    assert only('stages:\n  a:\n    cmd: [one, "two\\nthree"]\n').commands == ("one", "two\nthree")


def test_a_file_named_once_without_keys_is_tracked_whole() -> None:
    stage = only(stage_with("params: [a, params.yaml: [b, a], other.yaml: [x], other.yaml.bak: null]\n"))
    assert [(p.spelled, p.names) for p in stage.params] == [
        ("params.yaml", ("a", "b")), ("other.yaml", ("x",)), ("other.yaml.bak", ())
    ]  # fmt: skip
    stage = only(stage_with("params: [a, params.yaml: null, b]\n"))
    assert [(p.spelled, p.names) for p in stage.params] == [("params.yaml", ())]


def test_an_escaped_template_is_left_to_the_shell() -> None:
    assert only(stage_with("").replace("run", r"echo \${HOME} $PWD")).cmd == "echo ${HOME} $PWD"


def test_a_dependency_may_lie_outside_the_project() -> None:
    stage = only(stage_with("wdir: code\ndeps: [../../raw, /data//x, 's3://b/k', 'remote://r/k', 'ds://d', a]\n"))
    assert [(dep.path, dep.place) for dep in stage.deps] == [
        ("../raw", "outside"),
        ("/data/x", "outside"),
        ("s3://b/k", "url"),
        ("remote://r/k", "url"),
        ("ds://d", "dataset"),
        ("code/a", "project"),
    ]


def test_the_files_that_hold_params_are_known() -> None:
    files = {
        "dvc.yaml": read("stages: {a: {cmd: x, params: [p.json: null]}}\nparams: [q.yaml]"),
        "sub/dvc.yaml": read("params: [r.json]", "sub/dvc.yaml"),
    }
    pipeline = Pipeline.of(files)
    assert pipeline.params_files == ("params.yaml", "p.json", "q.yaml", "sub/r.json")
    assert pipeline.lock_paths == ("dvc.lock",)
    assert list(pipeline.stages) == ["a"]


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("stages: [a]", 1, "stages", "should be a map, not a list"),
        ("- a", 0, "", "should be a map, not a list"),
        ("stage:\n  a: 1", 1, "stage", "the file has no such key"),
        ("stages:\n  train:\n    comd: x", 3, "stages.train.comd", "stage 'train' has no such key"),
        ("stages:\n  train:\n    deps: [a]", 2, "stages.train.cmd", "is missing; it should be a command"),
        ("stages:\n  train:", 2, "stages.train", "is missing; it should be a map"),
        ("stages:\n  1:\n    cmd: x", 2, "stages.1", "the name 1 is not text"),
        ("stages:\n  train:\n    cmd: true", 3, "stages.train.cmd", "a command or a list of commands, not true"),
        ("stages:\n  train:\n    cmd: 1", 3, "stages.train.cmd", "should be a command or a list of commands, not 1"),
        (stage_with("deps: a.txt\n"), 4, "stages.train.deps", "should be a list, not 'a.txt'"),
        (stage_with("deps:\n- a\n- b: c\n"), 6, "stages.train.deps[1]", "should be a path, not a map"),
        (stage_with("outs:\n- a: {cahce: false}\n"), 5, "stages.train.outs[0].a.cahce", "an output has no such key"),
        (stage_with("outs:\n- a: {cache: 1}\n"), 5, "stages.train.outs[0].a.cache", "should be true or false, not 1"),
        (stage_with("outs:\n- a:\n"), 5, "stages.train.outs[0].a", "is missing; it should be a map of flags"),
        (stage_with("outs:\n- a: {x: step}\n"), 5, "stages.train.outs[0].a.x", "an output has no such key"),
        (stage_with("plots:\n- a: [{x: b}]\n"), 5, "stages.train.plots[0].a", "a list of settings is only allowed"),
        (stage_with("deps: [x.dvc]\n"), 4, "stages.train.deps[0]", "'x.dvc' is part of the pipeline, and no data"),
        (stage_with("outs: ['.']\n"), 4, "stages.train.outs[0]", "'.' is the whole project"),
        (stage_with("outs: ['']\n"), 4, "stages.train.outs[0]", "'' is not a path inside the project"),
        (stage_with("outs: [.git/config]\n"), 4, "stages.train.outs[0]", "is not a path inside the project"),
        (stage_with("outs: [.assay/config]\n"), 4, "stages.train.outs[0]", "belongs to Git, DVC or assay"),
        (stage_with("outs: [dvc.lock]\n"), 4, "stages.train.outs[0]", "is the pipeline's own file"),
        (stage_with("outs: [a, ./a]\n"), 4, "stages.train.outs[1]", "'./a' is written twice by this stage"),
        (stage_with("deps: [x/../a]\nouts: [a]\n"), 4, "stages.train.deps[0]", "both read and written by this stage"),
        (stage_with("params: [p.yaml: [a]]\nouts: [p.yaml]\n"), 4, "stages.train.params[0].p.yaml", "both read and"),
        (stage_with("params: [1]\n"), 4, "stages.train.params[0]", "should be a key or a map of files to keys, not 1"),
        (stage_with("params: [f.yaml: a]\n"), 4, "stages.train.params[0].f.yaml", "should be a list, not 'a'"),
        (stage_with("frozen: 'no'\n"), 4, "stages.train.frozen", "should be true or false, not 'no'"),
        (stage_with("wdir: ../x\n"), 4, "stages.train.wdir", "'../x' is outside the project"),
        ("artifacts: {m: {type: x}}", 1, "artifacts.m.path", "is missing; it should be a path"),
        ("metrics: m.json", 1, "metrics", "should be a list, not 'm.json'"),
        ("artifacts: {m: null}", 1, "artifacts.m", "is missing; it should be a map"),
        ("datasets: [d]", 1, "datasets[0]", "should be a map, not 'd'"),
        ("vars: {a: 1}", 1, "vars", "should be a list, not a map"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_line_and_key(text: str, line: int, key: str, says: str) -> None:
    error = complaint(text)
    assert says in error.message
    assert (error.path, error.line, error.key) == ("dvc.yaml", line, key)


def test_a_misspelled_key_gets_the_nearest_one() -> None:
    assert complaint("stages:\n  a: {cmd: x, metric: []}").hint == "Did you mean 'metrics'?"
    assert complaint("stages:\n  a: {cmd: x, dpes: []}").hint == "Did you mean 'desc' or 'deps'?"


def test_text_that_is_not_yaml_names_its_line() -> None:
    error = complaint("stages:\n  a: [b\n  c: d\n")
    assert error.path == "dvc.yaml"
    assert error.line == 3


def test_a_project_has_data_files_beside_its_stages(built):
    built.write({"a.dvc": f"outs:\n- md5: {'a' * 32}\n  path: a\n", "sub/b.dvc": "outs: []\n"})
    assert list(load(built.project).data) == ["a.dvc", "sub/b.dvc"]
    built.write({"c.dvc": "outs: 1\n"})
    with pytest.raises(BadInput, match=r"c\.dvc"):
        load(built.project)


def test_an_output_that_one_list_names_twice_has_the_flags_of_both() -> None:
    stage = parse(
        "stages: {a: {cmd: x, outs: [o, {o: {cache: false}}, {o: {persist: true, cache: true}}]}}", "dvc.yaml"
    )
    (out,) = stage.stages[0].outs
    assert (out.path, out.cache, out.persist) == ("o", True, True)


@pytest.mark.parametrize(
    "text", ["stages:", "metrics:", "stages: {a: {cmd: x, deps: }}", "stages: {a: {cmd: x, desc: }}"]
)
def test_a_key_with_nothing_behind_it_is_refused_as_dvc_refuses_it(text: str) -> None:
    with pytest.raises(BadInput, match="is empty; it should be"):
        parse(text, "dvc.yaml")


@pytest.mark.parametrize("setting", ["x: 3", "header: 3", "y: {a: b}"])
def test_settings_of_a_stages_plot_have_their_types(setting: str) -> None:
    with pytest.raises(BadInput, match="should be"):
        parse(f"stages: {{a: {{cmd: x, plots: [{{o: {{{setting}}}}}]}}}}", "dvc.yaml")
