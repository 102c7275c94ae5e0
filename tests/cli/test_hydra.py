"""params.yaml composed with Hydra from the command line: by runs here, by runs of their own, in the queue."""

from __future__ import annotations

import json

import pytest

import assay as package
from tests.filetree import picture, write

CONFIG = "defaults:\n  - db: mysql\n  - _self_\nlr: 1e-5\nurl: ${db.host}/data\n"
STAGES = """\
stages:
  a:
    cmd: cp params.yaml out
    params: [params.yaml: , other.yaml: ]
    metrics: [out]
"""
FILES = {
    ".assay/config": "[hydra]\n    enabled = true\n",
    "conf/config.yaml": CONFIG,
    "conf/db/mysql.yaml": "host: here\n",
    "conf/db/postgres.yaml": "host: there\nport: 1\n",
    "other.yaml": "seed: 1\n",
    "dvc.yaml": STAGES,
}
MYSQL = "db:\n  host: here\nlr: 1.0e-05\nurl: here/data\n"
POSTGRES = "db:\n  host: there\n  port: 1\nlr: 1.0e-05\nurl: there/data\n"


@pytest.fixture
def composing(tmp_path, assay, git, hydra):
    """A project that composes, and has no params.yaml yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    git("init", "-q", cwd=folder)
    assay("init", cwd=folder)
    write(folder, FILES)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    return folder


def exp_of(git, folder):
    """The rest of the ref of the only experiment."""
    return git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=folder).strip().removeprefix("refs/exps/")


def params(folder):
    return (folder / "params.yaml").read_text()


def test_a_run_composes_parameters_without_any_override(composing, assay, git):
    assay("run", "-n", "one", cwd=composing)
    assert params(composing) == MYSQL
    assert git("show", "refs/exps/" + exp_of(git, composing) + ":params.yaml", cwd=composing) == MYSQL.strip()


def test_options_of_groups_are_chosen_and_keys_added_while_other_files_have_plain_overrides(composing, assay):
    words = ["-S", "db=postgres", "-S", "+db@copy=mysql", "-S", "other.yaml:seed=2", "-S", "params.yaml:+extra=1"]
    assay("run", *words, cwd=composing)
    assert params(composing) == POSTGRES + "copy:\n  host: here\nextra: 1\n"
    assert (composing / "other.yaml").read_text() == "seed: 2\n"


def test_parameters_are_taken_as_they_are_when_that_is_said(composing, assay):
    write(composing, {"params.yaml": "lr: 7\n"})
    assay("run", "--no-hydra", "-S", "lr=8", cwd=composing)
    assert params(composing) == "lr: 8\n"


def test_edits_that_composing_wrote_over_come_back(composing, assay):
    write(composing, {"params.yaml": "mine: true\n"})
    assert "params.yaml had edits that nothing else has" in assay("run", cwd=composing).err
    assert params(composing) == MYSQL
    assay("undo", cwd=composing)
    assert params(composing) == "mine: true\n"


def test_a_run_of_its_own_has_composed_parameters_and_the_workspace_does_not(composing, assay, git):
    assay("run", "--temp", "-n", "one", "-S", "db=postgres", cwd=composing)
    assert not (composing / "params.yaml").exists()
    (row,) = json.loads(assay("show", "--json", cwd=composing).out)["baselines"][0]["experiments"]
    assert row["params"]["params.yaml"] == {"db": {"host": "there", "port": 1}, "lr": 1e-05, "url": "there/data"}


def test_the_queue_sweeps_over_groups_as_they_are_when_it_is_queued(composing, assay):
    assay("run", "--queue", "-n", "g", "-S", "db=mysql,postgres", "-S", "lr=range(1,3)", cwd=composing)
    write(composing, {"conf/db/mysql.yaml": "host: changed\n"})
    assay("queue", "start", cwd=composing)
    rows = json.loads(assay("show", "--json", cwd=composing).out)["baselines"][0]["experiments"]
    found = {row["name"]: (row["params"]["params.yaml"]["url"], row["params"]["params.yaml"]["lr"]) for row in rows}
    assert found == {
        "g-1": ("here/data", 1),
        "g-2": ("here/data", 2),
        "g-3": ("there/data", 1),
        "g-4": ("there/data", 2),
    }
    assert not (composing / "params.yaml").exists()


def test_stages_are_made_of_composed_parameters(composing, assay):
    write(composing, {"dvc.yaml": "stages:\n  a:\n    foreach: ${db}\n    do:\n      cmd: echo ${item} > ${key}.out\n"
                                  "      outs: [\"${key}.out\"]\n"})  # fmt: skip
    assay("run", "-S", "db=postgres", cwd=composing)
    assert [path.name for path in sorted(composing.glob("*.out"))] == ["host.out", "port.out"]


def test_what_is_pulled_first_is_told_by_composed_parameters(composing, assay):
    stages = "a:\n    foreach: ${db}\n    do:\n      cmd: echo ${item} > ${key}.out\n      outs: ['${key}.out']\n"
    write(composing, {"dvc.yaml": f"stages:\n  {stages}"})
    said = assay("run", "--queue", "--pull", "-n", "g", "-S", "db=postgres,mysql", cwd=composing)
    assert said.out == "Queued 2 experiments: g-1, g-2\n"
    assert "Nothing was pulled" in said.err


def test_python_takes_parameters_as_they_are_when_that_is_said(composing):
    write(composing, {"params.yaml": "lr: 7\n"})
    with package.open(str(composing)) as lab:
        made = lab.run(name="plain", no_hydra=True)
        assert lab.queue(params={"lr": 8}, no_hydra=True, name="later") == ["later"]
    assert dict(made.params) == {"params.yaml": {"lr": 7}} or made.params["lr"] == 7
    assert params(composing) == "lr: 7\n"


def test_a_rehearsal_composes_and_writes_nothing(composing, assay):
    before = picture(composing)
    assay("run", "--dry", "-S", "db=postgres", cwd=composing)
    assert picture(composing) == before


def test_a_command_on_the_line_reads_composed_parameters(composing, assay):
    assay(
        "run",
        "-S",
        "db=postgres",
        "--params",
        "params.yaml",
        "--outs",
        "o",
        "--",
        "cp",
        "params.yaml",
        "o",
        cwd=composing,
    )
    assert (composing / "o").read_text() == POSTGRES


def test_a_folder_below_names_its_own_file_and_composes_the_projects(composing, assay):
    write(composing, {"sub/params.yaml": "x: 1\n"})
    assay("run", "-S", "db=postgres", "-S", "params.yaml:x=2", "../dvc.yaml", cwd=composing / "sub")
    assert params(composing) == POSTGRES
    assert (composing / "sub/params.yaml").read_text() == "x: 2\n"


def test_the_settings_say_what_is_composed(composing, assay, monkeypatch):
    write(composing, {"settings/main.yaml": "who: ${oc.env:WHO}\n", "conf": None})
    assay("config", "hydra.config_dir", "settings", cwd=composing)
    assay("config", "hydra.config_name", "main", cwd=composing)
    monkeypatch.setenv("WHO", "me")
    assay("run", cwd=composing)
    assert params(composing) == "who: me\n"


def test_a_configuration_may_lie_in_a_module_and_plugins_beside_the_project(composing, assay):
    plugin = (
        "print('noise')\n"
        "from hydra.core.config_search_path import ConfigSearchPath\n"
        "from hydra.plugins.search_path_plugin import SearchPathPlugin\n"
        "class More(SearchPathPlugin):\n"
        "    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:\n"
        "        search_path.append('more', 'file://' + __file__.rpartition('/')[0])\n"
    )
    beside = {"mine/__init__.py": "", "mine/config.yaml": "defaults: [_self_, added]\na: 1\n",
              "hydra_plugins/more/__init__.py": plugin, "hydra_plugins/more/added.yaml": "b: 2\n"}  # fmt: skip
    write(composing / "lib", beside)
    assay("config", "hydra.config_module", "mine", cwd=composing)
    assay("config", "hydra.plugins_path", "lib", cwd=composing)
    assay("run", cwd=composing)
    assert params(composing) == "a: 1\nb: 2\n"


def test_reading_composes_nothing(composing, assay):
    assay("run", "-n", "one", cwd=composing)
    write(composing, {"hydra_plugins/bad/__init__.py": "raise SystemExit(3)\n", "conf": None})
    for words in (["show"], ["diff", "one"], ["apply", "one"], ["list"], ["repro"]):
        assay(*words, cwd=composing)


@pytest.mark.parametrize(
    ("words", "files", "says"),
    [
        (["--queue", "-S", "nope=1"], {}, "Hydra cannot compose the parameters: Could not override 'nope'."),
        (["--temp", "-S", "db=nope"], {}, "Could not find 'db/nope'."),
        ([], {"conf/config.yaml": None}, "Cannot find primary config 'config'"),
        ([], {"hydra_plugins/bad/__init__.py": "raise SystemExit(3)\n"}, "ended without an answer (status 3)"),
        ([], {".assay/config": "[hydra]\nenabled = true\nconfig_dir = a\nconfig_module = b\n"}, "are both set"),
    ],
)
def test_what_cannot_be_composed_is_refused_before_anything_is_written(composing, assay, words, files, says):
    write(composing, files)
    before = picture(composing)
    said = assay("run", *words, cwd=composing, code=None)
    assert said.code in (1, 251, 255)
    assert said.err.startswith("error: ")
    assert says in said.err
    assert picture(composing) == before


def test_where_hydra_is_missing_the_command_that_installs_it_is_named(composing, assay, tmp_path, monkeypatch):
    write(tmp_path, {"without/hydra.py": "raise ImportError('no hydra')\n"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    said = assay("run", cwd=composing, code=1).err
    assert said.startswith(
        "error: hydra.enabled asks for parameters that Hydra composes, and Hydra is not installed.\n"
    )
    assert "`pip install 'assay[hydra]'`" in said


def test_a_sweep_without_the_queue_is_refused_with_words_as_a_shell_reads_them(composing, assay):
    words = ["-S", "name='a b','it'", "-m", "it's one"]
    said = assay("--cd", "..", "--cd", "project", "run", *words, cwd=composing, code=254).err
    line = """`assay --cd .. --cd project run --queue -S 'name='"'"'a b'"'"','"'"'it'"'"'' -m 'it'"'"'s one'`"""
    assert line in said
