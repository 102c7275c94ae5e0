"""The fast reader takes what tools write, and nothing it does not know for certain."""

from __future__ import annotations

import subprocess
import sys

import pytest

from assay.engine.params import blockyaml, yaml12

SIMPLE = {
    "nested maps": "a:\n  b:\n    c: 1\nd: 2\n",
    "lists not indented": "a:\n- 1\n- x: 1\n  y: 2\n- z\nb: 3\n",
    "lists indented": "a:\n    - 1\n    -   x: 1\n        y:\n          - 2\nb: 3\n",
    "a list at the top": "- 1\n-\n- a: b\n",
    "comments and blank lines": "# first\n\na: 1  # one\n\n  # deeper\nb: x#y\n",
    "empty values": "a:\nb: \nc:\n  d:\n",
    "quotes": "a: 'it''s'\nb: \"x: # y\"\nc: ''\n",
    "one-line lists and maps": "a: [1, x y, 2.5]\nb: []\nc: {lr: 1e-5, on: yes}\nd: {}\n",
    "a long command folded": 'cmd: python train.py --alpha 1 \n  --beta 2 && "x" | y\nn: 1\n',
    "numbers and words": "a: -5\nb: 1_000\nc: 1e-5\nd: .inf\ne: true\nf: ~\ng: 007\nh: yes\ni: 2024-01-02\n",
    "keys that are not words": "1: a\ntrain@x-1: b\ndata/x.csv: c\nnull: d\n",
    "no line break at the end": "a: 1",
    "nothing": "\n# nothing\n",
}

OTHER = [
    "a: &x 1\n", "a: *x\n", "a: !!int 1\n", "a: |\n  x\n", "a: >-\n  x\n", "a: 'x\n  y'\n", 'a: "x\\ny"\n', "a:\t1\n",
    "a: 1\r\nb: 2\r\n", "a: 1\na: 2\n", "1: a\ntrue: b\n", "--- \na: 1\n", "a: 1\n...\n", "%YAML 1.2\n---\na: 1\n",
    "? a\n: 1\n", "<<: {a: 1}\n", "a: <<\n", ".nan: 1\n", "a: b: c\n", "a: [1,\n  2]\n", "a: {x: {y: 1}}\n",
    "a: [x: 1]\n", "a: [1, , 2]\n", "a: {b}\n", "a: {x: 1, x: 2}\n", "a: [- 1]\n", "a:\n  text\n", "text\n",
    "a: x\n b: y\n", "a: 1\n  b: 2\n", "a: x # c\n  y\n", "a: x\n\n  y\n", "- a\nb: 1\n", "a: 1\n- b\n",
    "  a: 1\nb: 2\n", "- - 1\n", "a: 'x'\n  y\n", "a: \x85\n", "\ufeffa: 1\n", "a: x:\n", "a: 2024-13-01\n",
    "a : 1\n", "'a': 1\n", "- a: 1\n b: 2\n", "a: z\n  'x # y'\n", "a: lr\n  :\n",
]  # fmt: skip


@pytest.mark.parametrize("text", SIMPLE.values(), ids=SIMPLE.keys())
def test_what_tools_write_is_read_as_the_full_reader_reads_it(text: str) -> None:
    assert repr(blockyaml.parse(text)) == repr(yaml12.load(text, "p.yaml"))


@pytest.mark.parametrize("text", OTHER)
def test_anything_else_is_left_to_the_full_reader(text: str) -> None:
    with pytest.raises(blockyaml.NotBlock):
        blockyaml.parse(text)


@pytest.mark.parametrize("line", ["a:", "-", "- a:"])
def test_deep_nesting_is_left_to_the_full_reader(line: str) -> None:
    text = "".join(f"{' ' * depth * 3}{line}\n" for depth in range(500))
    with pytest.raises(blockyaml.NotBlock):
        blockyaml.parse(text)


def test_load_fast_reads_both_shapes() -> None:
    assert blockyaml.load_fast("a: 1\n", "p.yaml") == {"a": 1}
    assert blockyaml.load_fast("a: &x 1\nb: *x\n", "p.yaml") == {"a": 1, "b": 1}


def test_pyyaml_is_not_loaded_for_the_simple_shape() -> None:
    program = (
        "import sys; from assay.engine.params.blockyaml import load_fast; load_fast('a:\\n- 1\\n', 'p');"
        "print('yaml' in sys.modules); load_fast('a: &x 1\\n', 'p'); print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
