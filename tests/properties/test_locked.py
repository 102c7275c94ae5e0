"""The quick reader of lock files gives what the careful one gives, for what tools write and for much else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.experiments import locked
from assay.engine.experiments.locked import Locked, described
from assay.engine.model import HEX_LENGTH, Artifact, Digest
from assay.engine.pipeline import lock
from assay.engine.pipeline.lock import LockEntry, LockFile

odd_words = st.text("abeN01_.-/ ", min_size=1, max_size=6)
odd_paths = odd_words | st.sampled_from(["null", "true", "NO", "data/raw", "1e5", "0b1", "-", "a b", "~", "ü"])
odd_commands = st.text("ab1.-: #'\"$/\n|&=", min_size=1, max_size=120) | st.sampled_from(["null", ".5", "1"])
usual_words = st.sampled_from(["prepare", "train", "evaluate-all", "data", "_x"])
usual_paths = st.sampled_from(["data/raw", "src/train.py", "model.bin", "a=b", "_", "../up"])
usual_commands = st.sampled_from(
    ["python train.py", "./run.sh --lr 0.1 'a b' http://x:80/#y", "x" + " x" * 60, "echo a: b"]
)


@st.composite
def digests(draw, letters):
    algo = draw(st.sampled_from(["xxh128", "sha256", "md5", "md5-dos2unix"]))
    size = HEX_LENGTH[algo]
    text = (draw(st.sampled_from(["", "0e6f", "1f", "e0a"])) + draw(st.text(draw(letters), min_size=size)))[:size]
    return Digest(algo, text, draw(st.booleans()))


def lock_files(words, paths, commands, letters, *, at_least=0):
    artifacts = st.builds(
        Artifact, digests(letters), st.integers(0, 10**12), st.none() | st.integers(0, 99), is_exec=st.booleans()
    )
    items = st.dictionaries(paths, artifacts, max_size=3)
    if paths is odd_paths:
        items |= st.dictionaries(paths, st.none(), max_size=1)
    lines = commands.filter(str.strip)
    values = st.integers() | odd_words | st.lists(odd_words, max_size=2)
    params = st.dictionaries(paths, st.dictionaries(odd_words, values, min_size=1), max_size=1)
    told = st.fixed_dictionaries({"name": odd_words, "type": st.just("url"), "meta": st.just({"size": 1})})
    datasets = st.dictionaries(st.just("ds://d"), told, max_size=1) if paths is odd_paths else st.just({})
    commands = lines | st.lists(lines, min_size=1, max_size=3).map(tuple)
    entries = st.tuples(commands, items, params, items, datasets).map(lambda found: LockEntry(*found))
    stages = st.dictionaries(words, entries, min_size=at_least, max_size=3)
    return stages.map(lambda found: lock.dump(LockFile().replaced(found)))


usual = lock_files(usual_words, usual_paths, usual_commands, st.just("abcdef"), at_least=1)
odd = lock_files(
    odd_words | usual_words, odd_paths, odd_commands, st.sampled_from(["0123456789", "0123456789e", "01b", "f", "0a"])
)


def careful(text):
    stages = lock.parse(text, "dvc.lock").stages
    return {
        name: Locked(
            {path: described(artifact) for path, artifact in entry.deps.items()},
            {path: described(artifact) for path, artifact in entry.outs.items()},
        )
        for name, entry in stages.items()
    }


@settings(max_examples=40)
@given(odd)
def test_what_tools_write_is_read_alike(text):
    assert locked.read("dvc.lock", text.encode()) == careful(text)


@settings(max_examples=40)
@given(usual)
def test_what_tools_usually_write_is_read_the_quick_way(text):
    assert locked.scan(text) == careful(text)


@settings(max_examples=40)
@given(usual, st.data())
def test_a_file_that_was_changed_by_hand_is_read_alike_or_refused(text, data):
    lines = text.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[at])))
    new = data.draw(st.text("ab1: #-'\"\n ", max_size=4))
    lines[at] = lines[at][:column] + new + lines[at][column + data.draw(st.integers(0, 3)) :]
    quick = locked.scan("".join(lines))
    if quick is not None:  # what stands under params may be wrong and still be read
        assert quick == careful(without_params("".join(lines)))


def without_params(text):
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        inside = line.startswith("    params:") or (inside and line.startswith("      "))
        if not inside:
            kept.append(line)
    return "".join(kept)
