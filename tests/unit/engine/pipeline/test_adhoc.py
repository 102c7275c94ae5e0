"""A command on the line becomes the stage `run`, and nothing else in dvc.yaml changes."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.model import AdHoc
from assay.engine.pipeline.adhoc import STAGE, edit, shell_text, stage_data, with_command
from assay.engine.pipeline.choice import Choice
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import parse, resolved
from tests.workspace import Workspace

ECHO = stage_data(AdHoc(("echo", "hi")))


def edited(text: str, data: dict[str, Any] = ECHO) -> str:
    return edit(textwrap.dedent(text), data)


def test_a_new_file_holds_just_the_stage() -> None:
    words, files = ("python", "train.py", "a b"), {"params": ("params.yaml",), "metrics": ("m.json",)}
    command = AdHoc(words, deps=("./d",), outs=("o/",), **files)
    assert edited("", stage_data(command)) == textwrap.dedent("""\
        stages:
          run:
            cmd: python train.py 'a b'
            deps:
            - d
            params:
            - params.yaml:
            outs:
            - o
            metrics:
            - m.json:
                cache: false
            meta:
              made-by: assay run
    """)


def test_without_dependencies_it_runs_every_time() -> None:
    assert ECHO == {"cmd": "echo hi", "always_changed": True, "meta": {"made-by": "assay run"}}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("python", "a b.py"), "python 'a b.py'"),
        (("python a.py --x | tee log",), "python a.py --x | tee log"),
        (("./a&b",), "'./a&b'"),
        (("echo", "${HOME}"), r"echo '\${HOME}'"),
        (("echo", "it's"), """echo 'it'"'"'s'"""),
        (("echo", ""), "echo ''"),
    ],
)
def test_words_are_quoted_for_the_shell(words: tuple[str, ...], text: str) -> None:
    assert shell_text(words) == text


def test_what_the_shell_gets_is_what_was_typed() -> None:
    stage = parse(edited("", stage_data(AdHoc(("echo", "${HOME}", "a\nb")))), "dvc.yaml").stages[0]
    assert stage.cmd == "echo '${HOME}' 'a\nb'"


FULL = """\
    # our pipeline
    vars: [a.yaml]   # kept
    stages:
        prepare:     # odd indentation
            cmd: "python  prepare.py"
            outs: [ data ]
        # before train

        train:
            cmd: |
                python train.py
                # not a comment

    # after the stages
    metrics: [m.json]
    """


def test_it_is_added_at_the_end_of_the_stages_in_their_indentation() -> None:
    text = textwrap.dedent(FULL)
    new = textwrap.indent("run:\n  cmd: echo hi\n  always_changed: true\n  meta:\n    made-by: assay run\n", "    ")
    before, after = text.split("\n# after")
    assert edited(FULL) in (f"{before}{new}\n# after{after}", f"{before}\n{new}# after{after}")


def test_an_earlier_command_is_replaced_where_it_stands() -> None:
    first = edited("stages:\n  a:\n    cmd: x\n\nmetrics: [m]\n")
    longer = stage_data(AdHoc(("other",), outs=("o",), deps=("d",)))
    second = edited(first, longer)
    assert "echo hi" not in second
    assert edited(second) == first


def test_comments_around_an_earlier_command_stay() -> None:
    first = "stages:\n  # one\n" + edited("").split("\n", 1)[1] + "  # two\n  b:\n    cmd: x # three\n"
    second = edited(first, stage_data(AdHoc(("other",))))
    assert second == first.replace("echo hi", "other")


@pytest.mark.parametrize(
    "text",
    [
        "metrics: [m]\n",
        "metrics: [m]",
        "stages:\n  a:\n    cmd: x",
        "stages:\n  a: {cmd: x}\nparams: []\n",
        "stages:\r\n  a:\r\n    cmd: x\r\nparams: []\r\n",
        "stages:\n  a:\n    cmd: x\n    params: [p.yaml: ]\n    outs:\n    - o:\n        persist: true",
        "stages:\n  a:\n    cmd: x\n    params:\n    - p.yaml:\n\n\n# end\n",
        "stages:\n  a:\n    cmd: >-\n      long\n      text\n\n\n# end\nmetrics: []\n",
        "stages:\n  a:\n    cmd: 'two\n\n      lines'   # c\n  # d\n",
    ],
)
def test_every_line_that_was_there_stays(text: str) -> None:
    new = edit(text, ECHO)
    left = iter(new.splitlines())
    assert all(any(line == other for other in left) for line in text.splitlines())
    assert parse(new, "dvc.yaml").stages[-1].name == STAGE


def test_a_stage_of_that_name_by_somebody_else_is_not_touched() -> None:
    with pytest.raises(Refused, match=r"dvc\.yaml has a stage 'run' of its own"):
        edited("stages:\n  run:\n    cmd: mine\n")


@pytest.mark.parametrize("text", ["stages: {a: {cmd: x}}\n", "{stages: {a: {cmd: x}}}\n", "{}\n"])
def test_a_file_in_braces_gets_the_stage_too(text: str) -> None:
    before = [stage.name for stage in parse(text, "dvc.yaml").stages]
    assert [stage.name for stage in parse(edit(text, ECHO), "dvc.yaml").stages] == [*before, STAGE]


@pytest.mark.parametrize("text", ["- a\n", "stages: [a]\n", "a: [\n"])
def test_a_file_that_is_no_pipeline_is_named(text: str) -> None:
    with pytest.raises(BadInput, match=r"^dvc\.yaml"):
        edited(text)


def test_no_command_is_said() -> None:
    with pytest.raises(UsageError, match="There is no command to run"):
        stage_data(AdHoc(()))


def test_a_path_outside_the_project_is_said(work: Workspace) -> None:
    with pytest.raises(UsageError, match=r"cannot be kept as a stage: .*'\.\./o' lies outside the project"):
        with_command(work.project, "", AdHoc(("x",), outs=("../o",)))


def test_the_pipeline_has_the_command_and_every_other_stage(work: Workspace) -> None:
    work.write("sub/dvc.yaml", "stages: {b: {cmd: y}}\n")
    text = work.write("dvc.yaml", "stages:\n  a:\n    cmd: x\n").read_text()
    new, pipeline = with_command(work.project, text, AdHoc(("echo", "hi"), outs=("o",)))
    assert list(pipeline.stages) == ["a", "run", "sub/dvc.yaml:b"]
    assert resolved(new.encode(), "dvc.yaml", lambda _: None, root=work.project.root) == pipeline.files["dvc.yaml"]


def test_it_runs(work: Workspace) -> None:
    command = AdHoc(("sh", "-c", 'echo "$0" > o; echo {} > m.json', "a  b"), outs=("o",), metrics=("m.json",))
    new, pipeline = with_command(work.project, "", command)
    work.write("dvc.yaml", new)
    done = reproduce(work.project, pipeline, Choice((STAGE,)))
    assert done.ran == (STAGE,)
    assert work.read("o") == "a  b\n"
    assert reproduce(work.project, pipeline, Choice((STAGE,))).ran == (STAGE,)
