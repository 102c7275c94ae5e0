"""What a dvc.yaml with templates says, and what is said about one that is wrong."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.engine.errors import AssayError, BadInput, ConfigError
from assay.engine.pipeline import generated, resolver, spec
from assay.engine.pipeline.expressions import Parsing
from assay.engine.pipeline.stage import PipelineFile, Stage
from tests.workspace import Workspace


def read(text: str, path: str = "dvc.yaml", options: Parsing | None = None, **files: str) -> PipelineFile:
    """Files are named with ``_`` for a dot: params_yaml."""
    known = {name.replace("__", "/").replace("_", "."): textwrap.dedent(content) for name, content in files.items()}
    return resolved(textwrap.dedent(text), known, path, options)


def resolved(
    text: str, files: Mapping[str, str], path: str = "dvc.yaml", options: Parsing | None = None
) -> PipelineFile:
    def content(name: str) -> bytes | None:
        return files[name].encode() if name in files else None

    return spec.resolved(text.encode(), path, content, options)


def stages(text: str, **files: str) -> dict[str, Stage]:
    return {stage.name: stage for stage in read(text, **files).stages}


def complaint(text: str, **files: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read(text, **files)
    return caught.value


PARAMS = "lr: 1e-5\nname: word\nlayers: [3, 4]\ntrain: {depth: 7, lr: 0.1}\non: true\nnone: null\n"


def test_the_params_file_beside_it_needs_no_naming() -> None:
    stage = read("stages: {a: {cmd: 'x ${lr} ${train.depth} ${layers[1]} ${layers.-2}'}}", params_yaml=PARAMS).stages[0]
    assert stage.cmd == "x 1e-05 7 4 3"
    assert stage.parametrized
    assert stage.group == ""


def test_a_stage_without_templates_is_not_parametrized_even_beside_others() -> None:
    found = stages("stages: {a: {cmd: '${name}'}, b: {cmd: x, outs: [o]}, c: {cmd: 'x \\${y}'}}", params_yaml=PARAMS)
    assert {name: stage.parametrized for name, stage in found.items()} == {"a": True, "b": False, "c": True}
    assert found["c"].cmd == "x ${y}"


def test_templates_stand_in_every_value_and_in_paths_that_are_keys() -> None:
    stage = stages(
        """
        stages:
          a:
            cmd: ['x ${name}', '${name}']
            wdir: ${name}
            deps: ['${name}.py', '\\${x}']
            params: ['${name}.lr', '${name}.json': ['k${lr}']]
            outs:
            - '${name}.out': {desc: 'of ${name}', remote: '${name}', labels: ['${name}'], meta: {'${name}': '${on}'}}
            plots: ['${name}.csv': {x: '${name}', title: 'at ${lr}'}]
            desc: ${train.depth}
            meta: ['${none}', '${train.lr}']
            frozen: true
        """,
        params_yaml=PARAMS,
    )["a"]
    assert stage.cmd == ("x word", "word")
    assert stage.wdir == "word"
    assert [dep.spelled for dep in stage.deps] == ["word.py", "${x}"]
    assert [(params.path, params.names) for params in stage.params] == [
        ("word/params.yaml", ("word.lr",)),
        ("word/word.json", ("k1e-05",)),
    ]
    out, plot = stage.outs
    assert (out.path, out.desc, out.remote, out.labels, out.meta) == (
        "word/word.out", "of word", "word", ("word",), {"word": True}
    )  # fmt: skip
    assert plot.plot == {"x": "word", "title": "at 1e-05"}
    assert (stage.desc, stage.meta, stage.frozen) == ("7", [None, 0.1], True)


def test_top_level_parts_are_resolved_too() -> None:
    file = read(
        """
        params: ['${name}.yaml']
        metrics: ['m/${name}.json']
        plots: ['${name}.csv', p: {y: {'${name}.tsv': loss}}]
        artifacts: {'m-${name}': {path: '${name}.pkl', meta: '${train}'}}
        datasets: [{name: '${name}', type: url, url: 'u/${lr}'}]
        """,
        params_yaml=PARAMS,
    )
    assert (file.params, file.metrics, file.plots) == (("word.yaml",), ("m/word.json",), ("word.csv", "word.tsv"))
    assert file.artifacts == {"m-word": {"path": "word.pkl", "meta": {"depth": 7, "lr": 0.1}}}
    assert file.datasets == ({"name": "word", "type": "url", "url": "u/1e-05"},)


def test_a_map_in_a_command_becomes_options_as_configured() -> None:
    text = "vars: [{o: {a: 1, b: true, c: false, d: [1, x y]}}]\nstages: {a: {cmd: 'x ${o}'}}"
    assert read(text).stages[0].cmd == "x --a 1 --b --d 1 'x y'"
    other = read(text, options=Parsing("boolean_optional", "append")).stages[0]
    assert other.cmd == "x --a 1 --b --no-c --d 1 --d 'x y'"


def test_vars_are_maps_and_files_and_chosen_keys_of_files_merged_deeply() -> None:
    found = stages(
        """
        vars: [{m: {a: 1}}, v.yaml, 'w.json:x,y', {m: {c: 3}}, v.yaml]
        stages: {s: {cmd: '${m.a} ${m.b} ${m.c} ${x} ${y}'}}
        """,
        v_yaml="m: {b: 2}\n",
        w_json='{"x": 4, "y": 5, "m": 6}',
    )
    assert found["s"].cmd == "1 2 3 4 5"


def test_the_vars_of_a_stage_are_its_own_and_found_from_where_it_works() -> None:
    found = stages(
        """
        stages:
          s: {cmd: '${q} ${w}', wdir: '${dir}', vars: [{q: 1}, v.yaml]}
          t: {cmd: 'x ${q}', vars: [{q: 2}]}
        """,
        params_yaml="dir: sub\n",
        sub__v_yaml="w: here\n",
    )
    assert (found["s"].cmd, found["t"].cmd) == ("1 here", "x 2")
    assert found["s"].parametrized


def test_a_file_in_a_folder_has_a_context_of_its_own() -> None:
    files = {"sub/params.yaml": "a: inner\n", "params.yaml": "a: outer\n", "v.yaml": "b: 2\n"}
    text = "vars: [../v.yaml]\nstages: {s: {cmd: '${a} ${b}', deps: [../d], outs: [o]}}"
    stage = resolved(text, files, "sub/dvc.yaml").stages[0]
    assert (stage.cmd, stage.address, stage.outs[0].path) == ("inner 2", "sub/dvc.yaml:s", "sub/o")


def test_a_list_makes_a_stage_for_each_item() -> None:
    found = stages("stages: {s: {foreach: [a, 2.5, true, null, a], do: {cmd: 'x ${item}', outs: ['o${item}']}}}")
    assert {name: stage.cmd for name, stage in found.items()} == {
        "s@a": "x a", "s@2.5": "x 2.5", "s@true": "x true", "s@None": "x None"
    }  # fmt: skip
    assert {stage.group for stage in found.values()} == {"s"}
    assert all(stage.parametrized for stage in found.values())
    assert found["s@a"].keys == ("stages", "s")


def test_a_list_that_holds_lists_or_maps_names_stages_by_position() -> None:
    found = stages("stages: {s: {foreach: [{a: 1}, {a: 2}], do: {cmd: 'x ${item.a} ${item}'}}}")
    assert {name: stage.cmd for name, stage in found.items()} == {"s@0": "x 1 --a 1", "s@1": "x 2 --a 2"}


def test_a_map_makes_a_stage_for_each_key() -> None:
    found = stages("stages: {s: {foreach: {k1: 5, k2: {a: 6}}, do: {cmd: 'x ${key}', meta: '${key}'}}}")
    assert {name: stage.cmd for name, stage in found.items()} == {"s@k1": "x k1", "s@k2": "x k2"}


def test_items_of_the_context_are_named_as_python_writes_them() -> None:
    text = "stages: {s: {foreach: '${l}', do: {cmd: 'x ${item}'}}, t: {foreach: ['${on}', true], do: {cmd: 'x'}}}"
    found = stages(text, params_yaml="l: [true, null, 1e-5]\non: true\n")
    assert list(found) == ["s@True", "s@None", "s@1e-05", "t@True", "t@true"]


def test_a_matrix_makes_every_combination() -> None:
    found = stages(
        "stages: {s: {matrix: {m: [cnn, {k: 1}], n: '${l}', c: ab}, cmd: '${item.m} ${item.n} ${item.c} ${key}'}}",
        params_yaml="l: [1, true]\n",
    )
    assert list(found) == [
        "s@cnn-1-a", "s@cnn-1-b", "s@cnn-True-a", "s@cnn-True-b", "s@m1-1-a", "s@m1-1-b", "s@m1-True-a", "s@m1-True-b"
    ]  # fmt: skip
    assert found["s@m1-True-b"].cmd == "--k 1 true b m1-True-b"


def test_a_map_as_an_axis_stands_for_its_keys() -> None:
    assert list(stages("vars: [{m: {x: 1, y: 2}}]\nstages: {s: {matrix: {a: '${m}'}, cmd: x}}")) == ["s@x", "s@y"]


def test_nothing_to_go_through_makes_no_stage() -> None:
    assert stages("stages: {s: {foreach: [], do: {cmd: x}}, t: {matrix: {a: [], b: [1]}, cmd: x}}") == {}


def test_key_and_item_hide_values_of_that_name_only_in_generated_stages() -> None:
    text = "stages: {s: {foreach: [a], do: {cmd: '${item} ${key}'}}, t: {cmd: '${item} ${key}'}}"
    found = stages(text, params_yaml="item: outer\nkey: k\n")
    assert (found["s@a"].cmd, found["t"].cmd) == ("a k", "outer k")


def test_what_templates_took_from_files_is_known() -> None:
    file = read(
        """
        vars: [v.yaml, {own: 1}]
        stages:
          s: {cmd: '${a.b} ${own} ${l[-1]} ${m}'}
          t: {foreach: '${l}', do: {cmd: 'x ${item}'}}
        """,
        v_yaml="a: {b: 1, c: 2}\nl: [7, 8]\nm: {z: 1}\n",
        params_yaml="unused: 1\n",
    )
    assert file.used == {"v.yaml": {"a.b": 1, "l.0": 7, "l.1": 8}}
    assert set(file.inputs) == {"params.yaml", "v.yaml"}


def test_the_same_inputs_are_resolved_once_and_others_anew() -> None:
    text = "stages: {s: {cmd: 'x ${a}', wdir: '${w}', vars: [v.yaml]}}"
    files = {"params.yaml": "{a: 1, w: sub}", "sub/v.yaml": "b: 1"}
    first = resolved(text, files)
    assert resolved(text, dict(files)) is first
    assert resolved(text, {**files, "sub/v.yaml": "b: 2"}) is not first
    assert resolved(text, {**files, "params.yaml": "{a: 2, w: sub}"}).stages[0].cmd == "x 2"
    assert resolved(text, files, options=Parsing("boolean_optional")) is not first


MISTAKES = [
    (
        "stages:\n  s:\n    cmd: ${train.lrr}",
        3,
        "stages.s.cmd",
        "${train.lrr} is neither in params.yaml nor in the vars",
    ),
    ("stages:\n  s:\n    cmd: [a, 'b ${}']", 3, "stages.s.cmd[1]", "${} is not a path into the parameters"),
    ("stages:\n  s:\n    cmd: x ${a[b}", 3, "stages.s.cmd", "${a[b} is not a path into the parameters"),
    ("stages:\n  s:\n    cmd: x ${layers}", 3, "stages.s.cmd", "${layers} is a list, which cannot stand here"),
    ("stages:\n  s:\n    cmd: x\n    deps: ['${train}']", 4, "stages.s.deps[0]", "${train} is a map, which cannot"),
    ("stages:\n  s:\n    cmd: x\n    deps: ['${lr}']", 4, "stages.s.deps[0]", "should be a path, not 1e-05"),
    (
        "stages:\n  s:\n    cmd: 1\n    outs: ['${train.lr}']",
        3,
        "stages.s.cmd",
        "a command or a list of commands, not 1",
    ),
    ("stages:\n  s:\n    cmd: x\n    frozen: ${on}", 4, "stages.s.frozen", "should be true or false, not '${on}'"),
    ("stages:\n  s:\n    cmd: x\n    outs: [{a: {cache: '${on}'}}]", 4, "stages.s.outs[0].a.cache", "not '${on}'"),
    ("metrics: ${layers}\nstages: {}", 1, "metrics", "cannot be a template as a whole"),
    ("vars: ['${a}']", 1, "vars[0]", "vars cannot use templates themselves"),
    ("vars: [{a: {b: ['${a}']}}]", 1, "vars[0].a.b[0]", "vars cannot use templates themselves"),
    ("vars: [nope.yaml]", 1, "vars[0]", "there is no file nope.yaml"),
    ("vars: [1]", 1, "vars[0]", "should be a file or a map, not 1"),
    ("vars: ['params.yaml:lr']", 1, "vars[0]", "all of params.yaml is loaded already"),
    ("vars: ['v.yaml:a', v.yaml]", 1, "vars[1]", "a part of v.yaml is loaded already"),
    ("vars: ['v.yaml:a', 'v.yaml:b,a']", 1, "vars[1]", "a of v.yaml is loaded already"),
    ("vars: ['v.yaml:c']", 1, "vars[0]", "v.yaml has no key c"),
    ("vars: [list.yaml]", 1, "vars[0]", "list.yaml holds a list, not a map"),
    ("vars:\n- train: {lr: 1}", 2, "vars[0]", "train.lr of vars[0] is defined already, by params.yaml"),
    ("vars: [{q: {r: 1}}, {q: 2}]", 1, "vars[1]", "q of vars[1] is defined already, by vars[0]"),
    ("stages:\n  s:\n    cmd: x\n    vars: [{lr: 1}]", 4, "stages.s.vars[0]", "lr of s.vars[0] is defined already"),
    ("stages:\n  s:\n    foreach: [a]\n    do:\n      cmd: ${item.b}", 5, "stages.s.do.cmd", "(of s@a)"),
    (
        "stages:\n  s:\n    foreach: [a]\n    do:\n      cmd: x\n      vars: [{item: 1}]",
        6,
        "stages.s.do.vars[0]",
        "'item' is",
    ),
    (
        "stages:\n  s:\n    foreach: [a]\n    do: {cmd: x, depp: []}",
        4,
        "stages.s.do.depp",
        "stage 's@a' has no such key",
    ),
    ("stages:\n  s:\n    foreach: [a]\n    do: {cmd: x}\n    desc: d", 5, "stages.s.desc", "made by `foreach`, has no"),
    ("stages:\n  s:\n    foreach: [a]\n    cmd: x", 4, "stages.s.cmd", "made by `foreach`, has no such key"),
    ("stages:\n  s:\n    foreach: [a]", 2, "stages.s.do", "is missing; it should be a map"),
    ("stages:\n  s:\n    do: {cmd: x}", 2, "stages.s.foreach", "is missing; it should be a list or a map"),
    (
        "stages:\n  s:\n    foreach: ${lr}\n    do: {cmd: x}",
        3,
        "stages.s.foreach",
        "should be a list or a map, not 1e-05",
    ),
    ("stages:\n  s:\n    foreach: [a@b]\n    do: {cmd: x}", 3, "stages.s.foreach", "'a@b' cannot name a stage"),
    ("stages:\n  s:\n    foreach: ['']\n    do: {cmd: x}", 3, "stages.s.foreach", "'' cannot name a stage"),
    (
        "stages:\n  s:\n    matrix: [a]\n    cmd: x",
        3,
        "stages.s.matrix",
        "should be a map of axes to values, not a list",
    ),
    ("stages:\n  s:\n    matrix: {}\n    cmd: x", 3, "stages.s.matrix", "names no axis"),
    (
        "stages:\n  s:\n    matrix: {m: '${lr}'}\n    cmd: x",
        3,
        "stages.s.matrix.m",
        "should be a list of values, not 1e-05",
    ),
    ("stages:\n  s@a: {cmd: x}", 2, "stages.s@a", "a stage's name cannot have @"),
]


@pytest.mark.parametrize(("text", "line", "key", "says"), MISTAKES)
def test_a_mistake_is_named_by_line_key_and_expression(text: str, line: int, key: str, says: str) -> None:
    error = complaint(text, params_yaml=PARAMS, v_yaml="a: 1\nb: 2\n", list_yaml="[1]")
    assert says in error.message
    assert (error.path, error.line, error.key) == ("dvc.yaml", line, key)


def test_what_was_probably_meant_is_said() -> None:
    assert complaint("stages: {s: {cmd: '${train.dept}'}}", params_yaml=PARAMS).hint == "Did you mean train.depth?"
    assert complaint("stages: {s: {cmd: '${zzz}'}}").hint == "Define it in params.yaml or under `vars`."


def test_a_mistake_in_a_file_of_the_context_is_that_files() -> None:
    error = complaint("stages: {s: {cmd: '${a}'}}", params_yaml="a: b\n c: d\n")
    assert (error.path, error.line) == ("params.yaml", 2)
    assert complaint("stages: {s: {cmd: '${a}'}}", params_yaml="[1]").path == "params.yaml"


def test_dates_are_no_values_for_templates_but_do_not_matter_unused() -> None:
    params = "d: 2020-01-01\ne: 1\n"
    assert stages("stages: {s: {cmd: '${e} x'}}", params_yaml=params)["s"].cmd == "1 x"
    assert "a date or a time" in complaint("stages: {s: {cmd: '${d} x'}}", params_yaml=params).message


def test_a_small_file_cannot_stand_for_too_many_stages() -> None:
    axes = ", ".join(f"a{at}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]" for at in range(9))
    error = complaint(f"stages: {{s: {{matrix: {{{axes}}}, cmd: x}}}}")
    assert f"1,000,000,000 stages; at most {generated.MAX_STAGES:,} are made" in error.message


def test_a_small_file_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "MAX_SIZE", 1_000_000)
    text = "stages: {s: {matrix: {a: '${l}', b: '${l}'}, cmd: '${big} ${big}'}}"
    error = complaint(text, params_yaml=f"big: {'x' * 1000}\nl: [{', '.join(map(str, range(100)))}]\n")
    assert "grow to more than 1 million characters" in error.message


def test_deep_nesting_ends_in_a_sentence() -> None:
    deep = '{"a":' * 300 + "1" + "}" * 300
    text = "vars: [{c: 1}, a.json, b.json]\nstages: {s: {cmd: '${c} x'}}"
    with pytest.raises(AssayError, match="nested too deeply"):
        resolved(text, {"a.json": deep, "b.json": deep})


def test_the_workspace_is_read_with_edits_that_are_not_written_yet(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "project")
    work.write("dvc.yaml", "stages: {s: {foreach: '${l}', do: {cmd: 'x ${item} ${o}'}}}")
    work.write("params.yaml", "l: [a]\no: {n: 1, b: false}\n")
    assert list(spec.load(work.project).stages) == ["s@a"]
    edited = spec.load(work.project, {"params.yaml": b"l: [b, c]\no: 1\n"})
    assert [stage.cmd for stage in edited.stages.values()] == ["x b 1", "x c 1"]
    made = spec.load(work.project, {"sub/dvc.yaml": b"stages: {t: {cmd: x}}"})
    assert list(made.stages) == ["sub/dvc.yaml:t", "s@a"]
    work.write(".assay/config", "[parsing]\n    bool = boolean_optional\n")
    work.reopen()
    assert spec.load(work.project).stages["s@a"].cmd == "x a --n 1 --no-b"
    work.write(".assay/config", "[parsing]\n    bool = maybe\n")
    work.reopen()
    with pytest.raises(ConfigError, match=r"parsing\.bool is 'maybe'; it must be store_true or boolean_optional"):
        spec.load(work.project)
    work.project.close()


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "project")
    os.mkfifo(tmp_path / "pipe.yaml")
    (work.root / "endless.yaml").symlink_to("/dev/zero")
    for path in ("../pipe.yaml", "endless.yaml", "../../../../../../../../../dev/zero"):
        work.write("dvc.yaml", f"vars: [{path}]")
        with pytest.raises(BadInput, match="there is no file"):
            spec.load(work.project)
    work.project.close()


def test_a_misspelled_name_is_looked_for_among_some_of_very_many() -> None:
    many = "".join(f"k{at}: {at}\n" for at in range(50_000))
    assert complaint("stages: {s: {cmd: '${k12x}'}}", params_yaml=many).hint.startswith("Did you mean k12")


@pytest.mark.parametrize("value", [1, "word", None, [1], {"a": 1}, True, 1.5])
def test_meta_keeps_the_type_of_simple_values(value: Any) -> None:
    text = f"vars: [{{v: {value!r}}}]\nstages: {{s: {{cmd: x, meta: '${{v}}'}}}}".replace("None", "null")
    if isinstance(value, (list, dict)):
        assert "cannot stand here" in complaint(text).message
    else:
        found = stages(text.replace("True", "true"))["s"].meta
        assert (found, type(found)) == (value, type(value))
