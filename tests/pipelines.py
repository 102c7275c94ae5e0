"""Projects drawn by hypothesis: every key of dvc.yaml, every form of params, templates, generated stages, mistakes.

A case is files, and what is edited between one reproduction and the next. Its stages are small shell commands that
really write what they name, and that say in the file ``$RAN`` that they ran. `FEATURES` is all that can be in a case;
`Case.features` says what is.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

import tomlkit
import yaml
from hypothesis import strategies as st

T = TypeVar("T")
Data = dict[str, Any]


class Case(NamedTuple):
    """One project and what happens to it.

    Attributes:
        files: Its files by path.
        config: Settings by section and key (``parsing.bool``).
        edits: What is written (None: removed) after the first reproduction; then after the second, and so on.
        features: What is in it, of `FEATURES`.
    """

    files: Mapping[str, str]
    config: Mapping[str, str]
    edits: tuple[Mapping[str, str | None], ...]
    features: frozenset[str]


WORDS = ["a", "b", "c d", "é", "x-1", "1e5", "yes", "007", "v1.0"]
NASTY = [
    "it's",
    'say "x"',
    "$HOME",
    "a;b",
    "*",
    "",
    "~",
    "#x",
    "two  blanks",
    "\\",
    "日本",
    "true",
    "null",
    "-x",
    "--y",
]
NUMBERS: list[Any] = [0, 1, -3, 10, 0.5, 1e-5, 1e10, 1.0, 100000.0, -0.0, 1e22, 123456789012]
SOURCES = ["src/a.txt", "src/b c.txt", "src/é.txt", "raw", "src/word-w1.txt"]
PARAMS: Data = {
    "lr": 1e-5,
    "n": 3,
    "on": True,
    "off": False,
    "none": None,
    "word": "w1",
    "where": "sub",
    "text": "a b",
    "list": [1, 2.5, "x", True, None],
    "names": ["one", "two"],
    "maps": [{"k": 1, "v": "x"}, {"k": 2, "v": "y z"}],
    "table": {"first": {"p": 1}, "second": {"p": 2.0}},
    "flat": {"k1": "v1", "k2": 2},
    "nested": {"a": 1, "b": {"c": [1, 2, {"d": "deep"}], "e": 1e-3}},
    "options": {"lr": 1e-5, "flag": True, "no": False, "name": "a b", "lst": [1, 2, "x y"], "sub": {"deep": 3}},
}
TOP_KEYS = ["vars map", "vars file", "vars keys", "top params", "top metrics", "top plots", "artifacts", "datasets"]
STAGE_KEYS = [
    "cmd text", "cmd lines", "cmd list", "wdir", "deps file", "deps folder", "deps upstream", "params key",
    "params file keys", "params whole file", "params yaml", "params json", "params toml", "params py", "outs file",
    "outs folder", "outs executable", "metrics", "plots", "frozen", "always_changed", "desc", "meta", "stage vars",
]  # fmt: skip
FLAGS = [
    "cache",
    "persist",
    "remote",
    "push",
    "flag desc",
    "type",
    "labels",
    "flag meta",
    "checkpoint",
    "plot settings",
]
TEMPLATES = [
    "${} in cmd", "${} alone in cmd", "map in cmd", "${} in deps", "${} in outs", "${} in wdir", "${} in params",
    "${} in desc", "escaped", "foreach list", "foreach list of maps", "foreach map", "foreach ${}", "matrix",
    "matrix ${}", "matrix of maps", "top ${}", "parsing.bool", "parsing.list",
]  # fmt: skip
PLACES = ["another file", "another file upstream", "two files", "mistake"]
EDITS = ["no edit", "param", "dep", "out gone", "out changed", "cmd", "back again"]
FEATURES = [*TOP_KEYS, *STAGE_KEYS, *FLAGS, *TEMPLATES, *PLACES, *EDITS]


class Making:
    """A case under way: what was drawn so far."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.features: set[str] = set()
        self.files: dict[str, str] = {}
        self.config: dict[str, str] = {}
        self.params: dict[str, Data] = {}
        self.written: list[tuple[str, bool]] = []  # outputs so far, and whether each is a folder
        self.restorable: list[str] = []  # those that DVC, too, brings back without running a stage
        self.sources: list[str] = []  # what some stage reads and none writes
        self.stages: set[str] = set()
        self.numbered = 0

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return self._random.choice(options)

    def chance(self, percent: int, feature: str = "") -> bool:
        """Whether something is there; noted under the feature's name if it is."""
        found = self._random.random() * 100 < percent
        if found and feature:
            self.features.add(feature)
        return found

    def count(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``."""
        return self._random.randint(low, high)

    def shuffled(self, items: list[T]) -> list[T]:
        """The items in some order."""
        return self._random.sample(items, len(items))

    def note(self, feature: str) -> None:
        """Notes a feature."""
        self.features.add(feature)

    def number(self) -> int:
        """A number that no other path of the case has."""
        self.numbered += 1
        return self.numbered

    def dumped(self, data: Any) -> str:
        """YAML in one style or another."""
        style = self.pick(["block", "flow", "json", "wide"])
        if style == "json":
            return json.dumps(data, ensure_ascii=False)
        if style == "flow":
            return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=60 if style == "block" else 10_000)


def cases() -> st.SearchStrategy[Case]:
    """Whole projects, each choice as likely as it says: hypothesis draws the seed, so that every feature comes up."""
    return st.randoms(use_true_random=True).map(lambda random: made(Making(random)))


def made(making: Making) -> Case:
    """A whole project, drawn bit by bit."""
    _sources(making)
    _params_files(making)
    sub = making.chance(35, "another file")
    if sub:
        making.files["sub/dvc.yaml"] = making.dumped(_pipeline(making, "sub", 1))
    if not sub or making.chance(80, "two files"):
        making.files["dvc.yaml"] = making.dumped(_pipeline(making, "", making.count(1, 2)))
    if making.chance(18, "mistake"):
        _mistake(making)
    for key, values in (("parsing.bool", ["store_true", "boolean_optional"]), ("parsing.list", ["nargs", "append"])):
        if making.chance(15, key):
            making.config[key] = making.pick(values)
    edits = _edits(making)
    return Case(making.files, making.config, edits, frozenset(making.features))


def _sources(making: Making) -> None:
    for path in SOURCES:
        if path == "raw":
            making.files |= {"raw/x": "1\n", "raw/deep/y z": "2\n"}
        else:
            making.files[path] = f"{path}\n"
    making.files["sub/src/a.txt"] = "below\n"


def _params_files(making: Making) -> None:
    data = dict(PARAMS)
    if making.chance(40):
        data |= {"n": making.pick(NUMBERS), "lr": making.pick(NUMBERS), "text": making.pick([*WORDS, *NASTY])}
        data["options"] = {**PARAMS["options"], "name": making.pick(NASTY), "lr": making.pick(NUMBERS)}
    making.params["params.yaml"] = data
    making.params["sub/params.yaml"] = {**data, "where": "deep", "word": "w1"}
    making.params["other.yaml"] = {"o": 1, "other": {"p": [1, {"q": None}]}, "list": [1]}
    making.params["p.json"] = {"j": 1.5, "jn": {"a": [1, 2], "b": None}, "js": "é"}
    making.params["p.toml"] = {"t": 1, "tt": {"a": 1.5, "b": "x"}, "tl": [1, 2]}
    for path, content in making.params.items():
        making.files[path] = _spelled(path, content)
    making.files["p.py"] = "P = 1\nQ = {'a': [1, 2]}\nclass C:\n    x: float = 1e-3\n    y = [1, 'b']\n"
    making.files["vars.yaml"] = "v1: from file\nv2: {a: 1, b: [x, y]}\nv3: w1\n"


def _spelled(path: str, content: Data) -> str:
    if path.endswith(".json"):
        return json.dumps(content)
    if path.endswith(".toml"):
        return tomlkit.dumps(content)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _pipeline(making: Making, folder: str, count: int) -> Data:
    data: Data = {}
    if making.chance(30):
        data["vars"] = _vars(making, folder, "vars")
    data["stages"] = {}
    for _ in range(count):
        name = making.pick([name for name in NAMES if name not in making.stages])
        making.stages.add(name)
        data["stages"][name] = _stage(making, folder, name, bool(data.get("vars")))
    _top_level(making, folder, data)
    return data


NAMES = ["prepare", "train", "eval", "a-b", "s_1", "Stage2", "été", "x.y", "two words", "1"]


def _vars(making: Making, folder: str, feature: str) -> list[Any]:
    path = posixpath.relpath("vars.yaml", folder or ".")
    found: list[Any] = []
    if making.chance(50, f"{feature} map" if feature == "vars" else ""):
        found.append({"inline": making.pick(WORDS), "deep": {"x": {"y": making.pick(NUMBERS)}}})
        if making.chance(40):
            found.append({"deep": {"x": {"z": making.pick(WORDS)}}})
    if making.chance(40, f"{feature} file" if feature == "vars" else ""):
        found.append(path)
    elif making.chance(60, f"{feature} keys" if feature == "vars" else ""):
        found.append(f"{path}:{making.pick(['v1', 'v1,v2', 'v2,v3'])}")
    return found


def _stage(making: Making, folder: str, name: str, has_vars: bool) -> Data:
    kind = making.pick(["plain"] * 4 + ["foreach", "foreach", "matrix"])
    if kind == "plain":
        return _body(making, folder, name, [], has_vars)
    if kind == "foreach":
        over, items = _foreach(making)
        return {"foreach": over, "do": _body(making, folder, name, items, has_vars)}
    matrix, items = _matrix(making)
    return {"matrix": matrix, **_body(making, folder, name, items, has_vars)}


def _foreach(making: Making) -> tuple[Any, list[str]]:
    """What is gone through, and expressions that tell its stages apart."""
    form = making.pick(["list", "list", "list of maps", "list of maps", "map", "map", "${}", "${}", "${}"])
    making.note(f"foreach {form}")
    if form == "list":
        return making.pick([["one", "two"], [1, 2.5], [True, False], ["x y", "é"], [1e-5, 1e10], ["w1"], [None, 0]]), [
            "item"
        ]
    if form == "list of maps":
        return [{"k": 1, "v": making.pick(WORDS)}, {"k": making.pick([2, 3.0]), "v": "x"}], ["item.k"]
    if form == "map":
        return {"u": {"p": making.pick(NUMBERS)}, "w": {"p": "q"}}, ["key"]
    over, items = making.pick(
        [("names", ["item"]), ("maps", ["item.k"]), ("table", ["key"]), ("flat", ["key"]), ("nested.b.c[2]", ["key"])]
    )
    return f"${{{over}}}", list(items)


def _matrix(making: Making) -> tuple[Data, list[str]]:
    making.note("matrix")
    axes: Data = {}
    for axis in ("model", "size")[: 1 + making.chance(35)]:
        form = making.pick(["values", "${}", "maps"])
        if form == "values":
            axes[axis] = making.pick([["cnn", "rnn"], [1, 2.0], [True], ["x y"], [0.001, 10]])
        elif form == "${}":
            making.note("matrix ${}")
            axes[axis] = making.pick(["${names}", "${maps}", "${nested.b.c}"])
        else:
            making.note("matrix of maps")
            axes[axis] = [{"d": 1}, {"d": [2]}]
    return axes, ["key"]


def _body(making: Making, folder: str, name: str, items: list[str], has_vars: bool) -> Data:
    body: Data = {}
    wdir = folder
    if making.chance(25, "wdir"):
        spelled, wdir = making.pick(
            [(".", folder), ("w", posixpath.join(folder, "w")), ("../src" if folder else "src", "src")]
            + ([("..", "")] if folder else [("sub", "sub")])
        )
        wdir = posixpath.normpath(wdir or ".")
        wdir = "" if wdir == "." else wdir
        if making.chance(40, "${} in wdir"):
            spelled = spelled.replace("w", "${word}") if spelled == "w" else "./${nested.b.e}/../" + spelled
            wdir = posixpath.normpath(
                posixpath.join(folder, spelled.replace("${word}", "w1").replace("${nested.b.e}", "x"))
            )
            wdir = "" if wdir == "." else wdir
        body["wdir"] = spelled
        making.files.setdefault(posixpath.join(wdir, "here"), "")
    inside = Inside(making, wdir, items)
    if making.chance(12, "stage vars"):
        body["vars"] = [{"own": making.pick(WORDS)}]
    inside.deps(body)
    inside.params(body)
    inside.outs(body)
    _command(making, body, inside, has_vars)
    if making.chance(8, "frozen"):
        body["frozen"] = True
    if making.chance(9, "always_changed"):
        body["always_changed"] = True
    if making.chance(12, "desc"):
        body["desc"] = making.pick(["what it does", "for ${word}" if making.chance(50, "${} in desc") else "é"])
    if making.chance(10, "meta"):
        body["meta"] = making.pick([{"any": [1, None]}, "text", 3, ["x"], {"t": "${n}"}])
    making.restorable += inside.restorable(body)
    return dict(making.shuffled(list(body.items()))) if making.chance(30) else body


class Inside:
    """One stage's reading and writing, in the folder that it runs in."""

    def __init__(self, making: Making, wdir: str, items: list[str]) -> None:
        self.making = making
        self.wdir = wdir
        self.items = items
        self.commands: list[str] = []
        self.read: list[tuple[str, bool]] = []
        self.wrote: list[str] = []

    def relative(self, path: str) -> str:
        """A project path as the stage spells it."""
        return posixpath.relpath(path, self.wdir or ".")

    def deps(self, body: Data) -> None:
        """Sources and what earlier stages write."""
        making, chosen = self.making, []
        for path in SOURCES:
            if making.chance(18):
                is_folder = path == "raw"
                making.note("deps folder" if is_folder else "deps file")
                self.read.append((self.relative(path), is_folder))
                making.sources.append("raw/x" if is_folder else path)
                spelled = self.relative(path)
                if path == "src/word-w1.txt" and making.chance(60, "${} in deps"):
                    spelled = spelled.replace("w1", "${word}")
                chosen.append(spelled)
        for path, is_folder in making.written:
            if making.chance(45, "deps upstream"):
                if self.wdir.startswith("sub") != path.startswith("sub"):
                    making.note("another file upstream")
                chosen.append(self.relative(path))
                if "${" not in path:
                    self.read.append((self.relative(path), is_folder))
        if chosen:
            body["deps"] = chosen

    def params(self, body: Data) -> None:
        """Keys of the folder's own params.yaml, and of other files in every form."""
        making, chosen = self.making, []
        if self.wdir in ("", "sub"):
            keys = ["lr", "nested.b", "nested.b.c.2.d", "list", "options", "table.first.p", "n", "none", "list.1"]
            chosen += [key for key in keys if making.chance(9, "params key")]
            if making.chance(12, "${} in params"):
                chosen.append("${key_name}")
                body.setdefault("vars", []).append({"key_name": "nested.a"})
        for path, keys in FILE_KEYS.items():
            if making.chance(9):
                making.note(f"params {path.rpartition('.')[2]}")
                names = [] if making.chance(30) else [key for key in keys if making.chance(60)]
                making.note("params file keys" if names else "params whole file")
                chosen.append({self.relative(path): names or making.pick([None, []])})
        if chosen:
            body["params"] = chosen
            making.sources += [path for path in making.params if any(self._names(item, path) for item in chosen)]

    def _names(self, item: str | Data, path: str) -> bool:
        return self.relative(path) in (item if isinstance(item, dict) else ["params.yaml"])

    def outs(self, body: Data) -> None:
        """New outputs, each with the command that writes it."""
        making = self.making
        for kind in ("outs", "outs", "metrics", "plots"):
            if not making.chance(70 if kind == "outs" else 18):
                continue
            number = making.number()
            unique = "".join(f"-${{{item}}}" for item in self.items)
            stem = making.pick(["o", "out dir/deep/o", "é", "#o", "[o]", "o b"])
            if making.chance(12, "${} in outs"):
                stem += "${word}"
            is_folder = kind != "plots" and making.chance(22, "outs folder")
            ending = {"outs": "", "metrics": making.pick([".json", ".yaml"]), "plots": ".csv"}[kind]
            path = posixpath.normpath(posixpath.join(self.wdir, f"{stem}{number}{unique}{'' if is_folder else ending}"))
            spelled = self.relative(path)
            flags = self._flags(kind)
            body.setdefault(kind, []).append({spelled: flags} if flags else spelled)
            self._write(spelled, kind, is_folder, bool(flags.get("persist")))
            if not self.items:
                making.written.append((path, is_folder))
                self.wrote.append(path)
            making.note(kind if kind != "outs" else "outs folder" if is_folder else "outs file")

    def restorable(self, body: Data) -> list[str]:
        """The outputs, if all of the stage can be had from DVC's run cache."""
        flags = [(kind, item) for kind in ("outs", "metrics", "plots") for item in body.get(kind, [])]
        for kind, item in flags:
            settings = next(iter(item.values())) if isinstance(item, dict) else {}
            if settings.get("persist") or (kind == "outs" and not settings.get("cache", True)):
                return []
        reads = body.get("deps") or body.get("params")
        return self.wrote if reads and not body.get("frozen") and not body.get("always_changed") else []

    def _flags(self, kind: str) -> Data:
        making = self.making
        flags: Data = {}
        for key, feature, values in FLAG_VALUES:
            if making.chance(9, feature):
                flags[key] = making.pick(values)
        if kind == "plots" and making.chance(60, "plot settings"):
            flags |= {key: value for key, value in PLOT_SETTINGS.items() if making.chance(40)}
        return flags

    def _write(self, spelled: str, kind: str, is_folder: bool, persists: bool) -> None:
        making = self.making
        content = making.pick(["text", "${n}" if not self.wdir else "n", "x y", "$(ls | head -n 0)"])
        if kind == "metrics":
            content = making.pick(['{"acc": 0.5}', '{"a": {"b": 1}}', "{}"]).replace('"', '\\"')
        elif kind == "plots":
            content = "x,y"
        quoted = f'"{spelled}"'
        folder = posixpath.dirname(spelled)
        first = f'mkdir -p "{folder}" && ' if folder else ""
        arrow = ">>" if persists else ">"
        if is_folder:
            self.commands.append(
                f'mkdir -p {quoted}/in && echo "{content}" {arrow} {quoted}/in/f && echo 1 > {quoted}/é'
            )
            return
        files = [path for path, is_dir in self.read if not is_dir]
        if files and kind == "outs" and making.chance(50):
            self.commands.append(f'{first}cat "{making.pick(files)}" {arrow} {quoted}')
        else:
            self.commands.append(f'{first}echo "{content}" {arrow} {quoted}')
        if kind == "outs" and making.chance(12, "outs executable"):
            self.commands[-1] += f" && chmod +x {quoted}"


FILE_KEYS = {
    "other.yaml": ["o", "other.p", "list"],
    "p.json": ["j", "jn.b", "jn.a"],
    "p.toml": ["tt.a", "tl", "tt.b"],
    "p.py": ["P", "Q.a", "C", "C.x"],
}
FLAG_VALUES: list[tuple[str, str, list[Any]]] = [
    ("cache", "cache", [False, False, True]),
    ("persist", "persist", [True, True, False]),
    ("remote", "remote", ["store"]),
    ("push", "push", [False, False, True]),
    ("desc", "flag desc", ["an output", "${word}"]),
    ("type", "type", ["model"]),
    ("labels", "labels", [["l1", "l2"], []]),
    ("meta", "flag meta", [{"k": [1]}, "m", 0]),
    ("checkpoint", "checkpoint", [True, False]),
]
PLOT_SETTINGS: Data = {
    "template": "linear", "x": "x", "y": "y", "x_label": "X", "y_label": "Y", "title": "T ${word}", "header": False
}  # fmt: skip


def _command(making: Making, body: Data, inside: Inside, has_vars: bool) -> None:
    lines = ['echo "$DVC_STAGE" >> "$RAN"', *inside.commands]
    simple = [
        text
        for text in ("word", "lr", "n", "on", "none", "list[1]", "list.0", "nested.b.e", " word ")
        if making.chance(6)
    ]
    simple += [item for item in inside.items if making.chance(40)]
    if "vars" in body and any("own" in entry for entry in body["vars"]):
        simple.append("own")
    if has_vars and making.chance(20):
        simple.append(making.pick(["inline", "deep.x.y", "v1", "v2.b[0]"]))
    if simple:
        making.note("${} in cmd")
        lines.append("true " + " ".join(f"x=${{{text}}}" for text in simple))
    if making.chance(9, "${} alone in cmd"):
        lines.append("${shell}")
        body.setdefault("vars", []).append({"shell": "true alone"})
    if making.chance(14, "map in cmd"):
        lines.append("true " + making.pick(["${options}", "${nested}", "${table.first} x", "${flat} ${options.sub}"]))
    if making.chance(7, "escaped"):
        lines.append(making.pick(["true '\\${word}'", "true '\\${'", "true '$\\{x}'"]))
    form = making.pick(["text", "lines", "list"])
    making.note(f"cmd {form}")
    if form == "list":
        body["cmd"] = lines
    else:
        body["cmd"] = (" && " if form == "text" else "\n").join(lines) + making.pick(
            ["", "\n" if form == "lines" else ""]
        )


def _top_level(making: Making, folder: str, data: Data) -> None:
    def near(path: str) -> str:
        return posixpath.relpath(path, folder or ".")

    if making.chance(14, "top params"):
        data["params"] = [near("other.yaml"), *([near("p.json")] if making.chance(50) else [])]
    if making.chance(14, "top metrics"):
        data["metrics"] = ["m.json", *(["${word}.json"] if making.chance(40, "top ${}") else [])]
    if making.chance(14, "top plots"):
        data["plots"] = making.pick(
            [
                ["p.csv"],
                [{"p": None}],
                [{"p": {"x": {"a.csv": "s"}, "y": {"b.csv": ["k", "l"], "a.csv": "m"}, "title": "t"}}],
                ["p.csv", {"q.csv": {"x": "x", "y": ["a", "b"], "x_label": "X", "template": "simple"}}],
                [{"a": None, "b": {"y": "k"}}],
            ]
        )
    if making.chance(12, "artifacts"):
        data["artifacts"] = making.pick(
            [
                {"m": {"path": "model.bin"}},
                {"m-1": {"path": "m", "type": "model", "desc": "d", "labels": ["x"], "meta": {"a": [1]}}},
                {"m": {"path": "${word}", "labels": []}, "x/y": {"path": "p"}},
            ]
        )
    if making.chance(10, "datasets"):
        data["datasets"] = making.pick(
            [
                [{"name": "ds", "url": "s3://bucket/x", "type": "url"}],
                [{"name": "ds", "url": "../git", "type": "dvc", "path": "d", "rev": "main"}],
            ]
        )


_FAILS = 22


def _mistake(making: Making) -> None:
    path = making.pick(sorted(path for path in making.files if path.endswith("dvc.yaml")))
    data = yaml.safe_load(making.files[path])
    stages = data["stages"]
    name = min(stages)
    stage = stages[name]
    body = stage.get("do", stage)
    kind = making.pick([*range(22), *[_FAILS] * 18])  # most of the others are refused before anything runs
    if kind == _FAILS:
        body["cmd"] = making.pick(["false", "exit 3", ["true", "false", "true"], "true\nexit 4\ntrue"])
    elif kind == 0:
        data["stage"] = {}
    elif kind == 1:
        body["dep"] = ["x"]
    elif kind == 2:
        del body["cmd"]
    elif kind == 3:
        body["deps"] = "src/a.txt"
    elif kind == 4:
        body["cmd"] = "true ${no.such}"
    elif kind == 5:
        body["outs"] = ["same", "same"]
    elif kind == 6:
        body["outs"], body["deps"] = ["same"], ["same"]
    elif kind == 7:
        body["outs"] = ["inside/deep", "inside"]
    elif kind == 8:
        body["params"] = ["no.such.key"]
    elif kind == 9:
        body["deps"] = ["no such file"]
    elif kind == 10:
        body["outs"] = [{"x": {"cache": "yes"}}]
    elif kind == 11:
        body["cmd"] = making.pick(["false", "echo ${list}", "echo ${", "echo ${}", "echo ${n.x}", "echo ${list[9]}"])
    elif kind == 12:
        stages[name] = making.pick([{"foreach": 3, "do": body}, {"foreach": [1], "do": body, "x": 1}, {"foreach": [1]}])
    elif kind == 13:
        stages[name] = {"matrix": making.pick([[1], {"a": 1}, {}, {"a": []}]), **body}
    elif kind == 14:
        data["vars"] = making.pick([[{"n": 1}], ["no.yaml"], ["params.yaml:n"], ["${word}"], [{"x": "${n}"}], "x", [3]])
    elif kind == 15:
        body["params"] = [{"other.yaml": "o"}]
    elif kind == 16:
        body["wdir"] = making.pick(["../..", "/", "${n}", "${list}", ""])
    elif kind == 17:
        stages["again"] = {"cmd": "true", "outs": body.get("outs") or ["x"]}
    elif kind == 18:
        body["outs"] = ["never written"]
    elif kind == 19:
        body["cmd"] = making.pick([["true", "false", "true"], None, 3, {"a": 1}])
    elif kind == 20:
        data["artifacts"] = making.pick(
            [{"m": {}}, {"m": None}, {"-m": {"path": "x"}}, {"m": {"path": "x", "y": 1}}, []]
        )
    else:
        data[making.pick(["metrics", "params"])] = making.pick(["x", [1], [{"a": 1}], None])
    making.files[path] = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


CHANGES: Data = {
    "lr": 0.25, "n": 7, "list": [2, 2.5], "o": 2, "j": 9, "nested": {**PARAMS["nested"], "a": 5}, "on": 1, "t": 2,
    "options": {**PARAMS["options"], "flag": False}, "other": {"p": []}, "jn": {"b": 1, "a": []}, "tl": [], "none": 0,
}  # fmt: skip


def _edits(making: Making) -> tuple[Mapping[str, str | None], ...]:
    kind = making.pick(["none", *["source"] * 4, *["out gone"] * 3, *["out changed"] * 4, "cmd"])
    edit: dict[str, str | None] = {}
    if kind == "source":
        path = making.pick(making.sources or ["raw/x", "params.yaml"])
        making.note("param" if path in making.params else "dep")
        if path in making.params:
            edit[path] = _spelled(path, {key: CHANGES.get(key, value) for key, value in making.params[path].items()})
        elif path == "raw/x":
            edit |= making.pick([{path: "changed\n"}, {"raw/new": "new\n"}, {"raw/deep/y z": None}, {path: None}])
        else:
            edit[path] = making.pick(["changed\n", "changed\n", "", None])
    elif kind == "cmd":
        making.note("cmd")
        path = making.pick(sorted(path for path in making.files if path.endswith("dvc.yaml")))
        edit[path] = (
            making.files[path].replace("echo 1 >", "echo 2 >").replace("x,y", "x,z").replace('"text"', '"other"')
        )
    elif kind in ("out gone", "out changed"):
        plain = [path for path in making.restorable if "${" not in path]
        if plain:
            making.note(kind)
            edit[making.pick(plain)] = None if kind == "out gone" else "changed by hand\n"
    if not edit:
        making.note("no edit")
    if edit and making.chance(30, "back again"):
        return edit, {path: making.files.get(path) for path in edit}
    return (edit,)
