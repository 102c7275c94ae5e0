"""Real Git applies what `assay diff --patch` prints."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.experiments.patch import file_patch

ITEM = (0o100644, b"1" * 20)
FILES = {
    "changed.py": ("a\nb\nc\nd\ne\nf\ng\nh\ni\n", "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\n"),
    "no newline.txt": ("one\ntwo", "one\nthree"),
    "newline lost": ("x\n", "x"),
    "gone.py": ("x\n", None),
    "deep/er/new.py": (None, "new\nfile\n"),
    "empty": (None, ""),
    "odd \t\"name'.txt": ("1\n", "2\n"),
    "übergröße.txt": ("ä\n", "ö\n"),
    "feeds": ("a\x0cb\r\n\u2028\n", "a\x0cc\r\n\u2028\n"),
    "marks": ("-- a\n++ b\n", "-- b\n++ a\n"),
}


def test_git_makes_the_second_side_of_the_first(project, assay, git):
    for name, (old, _) in FILES.items():
        if old is not None:
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_bytes(old.encode())
    (project / "script").write_text("x\n")
    os.symlink("script", project / "link")
    (project / "becomes").write_text("a file\n")
    assay("baseline", "-m", "odd files", cwd=project)
    for name, (_, new) in FILES.items():
        if new is None:
            (project / name).unlink()
        else:
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_bytes(new.encode())
    (project / "script").chmod(0o755)
    (project / "link").unlink()
    os.symlink("changed.py", project / "link")
    (project / "becomes").unlink()
    os.symlink("changed.py", project / "becomes")
    assay("save", "-n", "second", cwd=project)
    committed = assay("diff", "HEAD", "second", "--only", "code", "-p", cwd=project).out
    assert assay("diff", "HEAD", "--only", "code", "-p", cwd=project).out == committed
    back = assay("diff", "workspace", "HEAD", "--only", "code", "-p", cwd=project).out
    git("read-tree", "HEAD", cwd=project)
    git("apply", "--cached", "-", cwd=project, stdin=committed.encode())
    assert git("diff", "--cached", "refs/exps/" + experiment(git, project), "--stat", cwd=project) == ""
    git("apply", "--cached", "-", cwd=project, stdin=back.encode())
    assert git("diff", "--cached", "HEAD", "--stat", cwd=project) == ""


def experiment(git, project):
    return git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=project).strip().removeprefix("refs/exps/")


LINES = st.lists(st.sampled_from(["a", "b", "", "-- x", "++ x", "@@", "\\ No", "é\x0c", "\r", "a b\t"]), max_size=12)


@settings(max_examples=60)
@given(old=LINES, new=LINES, old_end=st.sampled_from(["", "\n"]), new_end=st.sampled_from(["", "\n"]))
def test_git_makes_any_text_of_any_other(old, new, old_end, new_end, git, tmp_path):
    before, after = (("\n".join(lines) + end).encode() for lines, end in ((old, old_end), (new, new_end)))
    file = tmp_path / "some file"
    file.write_bytes(before)
    text = "".join(file_patch("some file", ITEM, before, ITEM, after))
    git("apply", "--allow-empty", "--whitespace=nowarn", "-", cwd=tmp_path, stdin=text.encode())
    assert file.read_bytes() == after
