"""Real DVC, answering questions one after the other: what `tests/dvcprocess.py` starts.

This file is run by the Python of DVC's environment, alone in its process, and imports nothing of the project. One
request is one line of JSON on the standard input, one answer is one line of JSON on the standard output. Each request
gets a repository object of its own, so that nothing of one case is seen by the next. Whatever DVC and its stages
print goes to files and comes back in the answer.
"""

from __future__ import annotations

import argparse
import copy
import gc
import importlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def captured(said: dict[str, str]) -> Iterator[None]:
    """Sends file descriptors 1 and 2 into files while its block runs; what they got is in ``said`` afterwards."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for name, file in (("out", out), ("err", err)):
                file.seek(0)
                said[name] = file.read().decode("utf-8", "replace")


def cli(request: dict[str, Any]) -> dict[str, Any]:
    """Runs a command line; the answer has the exit code."""
    from dvc.cli import main

    return {"code": main(request["args"])}


def resolve(request: dict[str, Any]) -> dict[str, Any]:
    """Every stage of the repository as DVC resolves it, or why it refuses; the graph is judged too."""
    from dvc.repo import Repo

    with Repo(".") as repo:
        index = repo.index
        index.check_graph()
        return {
            "stages": {stage.addressing: stage_data(repo, stage) for stage in index.stages},
            "metrics": relative(repo, index._metrics),
            "params": relative(repo, index._params),
            "plots": relative(repo, index._plots),
            "artifacts": relative(repo, index._artifacts),
            "datasets": relative(repo, index._datasets),
        }


def repro(request: dict[str, Any]) -> dict[str, Any]:
    """Reproduces; the answer names the stages that were not up to date (those restored by the run cache too)."""
    from dvc.repo import Repo

    with Repo(".") as repo:
        done = repo.reproduce(**request.get("options") or {})
        return {"done": [stage.addressing for stage in done]}


def relative(repo: Any, values: dict[str, Any]) -> dict[str, Any]:
    """By path in the repository instead of absolute path."""
    return {os.path.relpath(path, repo.root_dir): value for path, value in values.items()}


def stage_data(repo: Any, stage: Any) -> dict[str, Any]:
    """One stage as plain data; paths as they are spelled in the file."""
    from dvc.dependency import ParamsDependency
    from dvc.stage import PipelineStage

    params = {dep.def_path: dep.params for dep in stage.deps if isinstance(dep, ParamsDependency)}
    is_pipeline = isinstance(stage, PipelineStage)
    return {
        "name": stage.name if is_pipeline else None,
        "group": (stage.raw_data.generated_from or "") if is_pipeline else "",
        "parametrized": bool(stage.raw_data.parametrized) if is_pipeline else False,
        "cmd": stage.cmd,
        "wdir": os.path.relpath(stage.wdir, repo.root_dir),
        "deps": [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)],
        "params": params,
        "outs": [out_data(out) for out in stage.outs],
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc,
        "meta": stage.meta,
    }


def out_data(out: Any) -> dict[str, Any]:
    """One output as plain data."""
    kind = "metrics" if out.metric else "plots" if out.plot else "outs"
    return {
        "path": out.def_path,
        "kind": kind,
        "cache": out.use_cache,
        "persist": out.persist,
        "push": out.can_push,
        "remote": out.remote,
        "plot": out.plot if isinstance(out.plot, dict) else {},
        **out.annot.to_dict(),
    }


def listing(request: dict[str, Any]) -> dict[str, Any]:
    """What DVC says a file or directory of the repository is: digest, size, number of files, and a listing's bytes."""
    from dvc.repo import Repo
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.tree import Tree

    with Repo(".") as repo:
        path = os.path.join(repo.root_dir, request["path"])
        _, meta, found = build(repo.cache.local, path, repo.fs, "md5", ignore=repo.dvcignore, dry_run=True)
        text = found.as_bytes().decode() if isinstance(found, Tree) else None
        return {"digest": found.hash_info.value, "size": meta.size, "nfiles": meta.nfiles, "text": text}


def interpolate(request: dict[str, Any]) -> dict[str, Any]:
    """Resolves values one by one against one context: for each ``[value]``, or None when DVC refuses."""
    from dvc.parsing.context import Context

    found: list[Any] = []
    for value, key in request["values"]:
        try:
            context = Context(request["context"])
            found.append([context.resolve(value, key=key or None, config=request.get("parsing") or {})])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a refusal
            found.append(f"{type(error).__name__}: {error}")
    return {"values": found}


def override(request: dict[str, Any]) -> dict[str, Any]:
    """Applies overrides to parameter files, each in its own way: for each the file's values, or why DVC refuses."""
    from dvc.utils.hydra import apply_overrides
    from dvc.utils.serialize import LOADERS

    found: list[Any] = []
    for path, text, words in request["cases"]:
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            apply_overrides(path, words)
            loader = LOADERS[os.path.splitext(path)[1].lower()]
            found.append([plain(loader(path))])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a refusal
            found.append(f"{type(error).__name__}: {error}")
    return {"values": found}


def sweeps(request: dict[str, Any]) -> dict[str, Any]:
    """The runs that overrides of several files mean, for each case a list of [file, words]; or why DVC refuses."""
    from dvc.utils.hydra import get_hydra_sweeps

    found: list[Any] = []
    for case in request["cases"]:
        try:
            found.append([[[path, words] for path, words in run.items()] for run in get_hydra_sweeps(dict(case))])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a refusal
            found.append(f"{type(error).__name__}: {error}")
    return {"runs": found}


def compose(request: dict[str, Any]) -> dict[str, Any]:
    """The text of params.yaml that DVC composes in a folder with each of several lists of words; or why it does not."""
    from dvc.utils.hydra import compose_and_dump

    found: list[Any] = []
    output = os.path.join(tempfile.gettempdir(), "composed.yaml")
    for words in request["cases"]:
        try:
            compose_and_dump(output, os.path.abspath("conf"), None, request["name"], os.path.abspath(""), words)
            with open(output, encoding="utf-8") as file:
                found.append([file.read()])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a refusal
            found.append(f"{type(error).__name__}: {error}")
    return {"texts": found}


def plain(value: Any) -> Any:
    """A value as JSON has it, its type kept where JSON would lose it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def ignored(request: dict[str, Any]) -> dict[str, Any]:
    """Which paths DVC ignores; each is ``[path, is a folder]``."""
    from dvc.repo import Repo

    with Repo(".") as repo:
        rules = repo.dvcignore
        found = []
        for path, is_dir in request["paths"]:
            absolute = os.path.join(repo.root_dir, path)
            found.append(bool((rules.is_ignored_dir if is_dir else rules.is_ignored_file)(absolute)))
        return {"ignored": found}


held: list[Any] = []


def lock(request: dict[str, Any]) -> dict[str, Any]:
    """Locks a repository as every command of DVC's does, until `unlock`."""
    from dvc.repo import Repo

    repo = Repo(".")
    repo.lock.lock()
    held.append(repo)
    return {"pid": os.getpid()}


def unlock(request: dict[str, Any]) -> dict[str, Any]:
    """Gives back what `lock` took."""
    while held:
        repo = held.pop()
        repo.lock.unlock()
        repo.close()
    return {}


def data_files(request: dict[str, Any]) -> dict[str, Any]:
    """What DVC makes of texts of ``.dvc`` files: for each its outs, checksum, and text written again; or why not."""
    from dvc.repo import Repo
    from dvc.utils.serialize import dumps_yaml

    found: list[Any] = []
    for text in request["texts"]:
        path = os.path.join(request["cd"], request["name"])
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            with Repo(".") as repo:
                stage = repo.stage.load_one(path)
                outs = [
                    {
                        "path": os.path.relpath(out.fs_path, repo.root_dir) if out.is_in_repo else out.def_path,
                        "hash": out.hash_name,
                        "digest": out.hash_info.value,
                        "size": out.meta.size,
                        "nfiles": out.meta.nfiles,
                        "isexec": out.meta.isexec,
                        "cache": out.use_cache,
                    }
                    for out in stage.outs
                ]
                found.append({"outs": outs, "md5": stage.compute_md5(), "text": dumps_yaml(stage.dumpd())})
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a refusal
            found.append(f"{type(error).__name__}: {error}")
        finally:
            os.unlink(path)
    return {"found": found}


def configuration(request: dict[str, Any]) -> dict[str, Any]:
    """What ConfigObj reads from each text, names in lower case as DVC has them; None for one that it refuses."""
    import io

    from configobj import ConfigObj, ConfigObjError
    from dvc.config import _lower_keys

    found: list[Any] = []
    for text in request["texts"]:
        try:
            found.append(_lower_keys(ConfigObj(io.StringIO(text)).dict()))
        except (ConfigObjError, TypeError):  # a list that is inserted into a text is an error of another kind
            found.append(None)
    return {"values": found}


def written(request: dict[str, Any]) -> dict[str, Any]:
    """How ConfigObj writes each value, as the line of a key; None for one that it refuses."""
    import io

    from configobj import ConfigObj, ConfigObjError

    found: list[Any] = []
    for value in request["values"]:
        out = io.BytesIO()
        try:
            ConfigObj({"a": {"key": value}}).write(out)
            found.append(out.getvalue().decode())
        except ConfigObjError:
            found.append(None)
    return {"values": found}


def commit_outs(request: dict[str, Any]) -> dict[str, Any]:
    """Commits imports whose sources are gone: as ``dvc commit -f``, but for what looks at sources."""
    from dvc.repo import Repo

    with Repo(".") as repo, repo.lock:
        for target in request["targets"]:
            stage = repo.stage.load_one(os.path.join(repo.root_dir, target))
            stage.save_outs()
            stage.md5 = stage.compute_md5()
            stage.commit()
            stage.dump()
    return {}


def flags(request: dict[str, Any]) -> dict[str, Any]:
    """Every verb with its options: how each is spelled, whether it takes a value, whether the help shows it."""
    from dvc.cli.parser import get_main_parser

    return {"verbs": dict(flags_below(get_main_parser(), ()))}


def flags_below(parser: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The verbs of a parser, or its options when it is that of one verb."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if inner:
        for name, below in inner[0].choices.items():
            yield from flags_below(below, (*words, name))
        return
    yield (
        " ".join(words),
        [[action.option_strings, action.nargs != 0, action.help != argparse.SUPPRESS] for action in parser._actions],
    )


DOING = {
    "flags": flags,
    "commit_outs": commit_outs,
    "configuration": configuration,
    "written": written,
    "data_files": data_files,
    "lock": lock,
    "unlock": unlock,
    "cli": cli,
    "resolve": resolve,
    "repro": repro,
    "listing": listing,
    "interpolate": interpolate,
    "override": override,
    "sweeps": sweeps,
    "compose": compose,
    "ignored": ignored,
}


def answer(request: dict[str, Any], home: str) -> dict[str, Any]:
    """Does one request in the folder that it names."""
    said: dict[str, str] = {}
    os.chdir(request["cd"])
    umask = os.umask(int(request.get("umask", "022"), 8))
    os.environ.update(request.get("env") or {})
    with captured(said):
        try:
            reply = DOING[request["do"]](request)
        except Exception as error:  # noqa: BLE001  # whatever DVC raises is the answer
            reply = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        finally:
            os.chdir(home)
            os.umask(umask)
            for name in request.get("env") or {}:
                os.environ.pop(name, None)
    return {"code": 0, "error": None, **said, **reply}


def parse_once() -> None:
    """Lets ruamel.yaml remember what it has read: DVC reads the same few texts over and over, in pure Python."""
    from ruamel.yaml import YAML

    load = YAML.load
    known: dict[str, Any] = {}

    def remembering(self: Any, stream: Any) -> Any:
        if self.typ != ["safe"] or not isinstance(stream, str):
            return load(self, stream)
        if stream not in known:
            if len(known) > 200:
                known.clear()
            known[stream] = load(self, stream)
        return copy.deepcopy(known[stream])

    YAML.load = remembering


def compile_once() -> None:
    """Lets DVC keep what it compiles of the shape of a stage in its files, else done again for every stage it reads."""
    from types import SimpleNamespace

    import dvc.schema
    from voluptuous import Schema

    compiled: dict[int, Any] = {}

    def kept(shape: Any) -> Any:
        if id(shape) not in compiled:  # a constant of that module's, which stays
            compiled[id(shape)] = Schema(shape)
        return compiled[id(shape)]

    dvc.schema.vol = SimpleNamespace(Schema=kept)


def main() -> None:
    """Answers until the standard input ends."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    home = os.getcwd()
    for name in ("dvc.cli.parser", "dvc.commands.repro", "dvc.repo"):
        importlib.import_module(name)
    parse_once()
    compile_once()
    gc.freeze()
    gc.set_threshold(100_000)
    for line in requests:
        request = json.loads(line)
        reply = {"id": request["id"], **answer(request, home)}
        print(json.dumps(reply, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
