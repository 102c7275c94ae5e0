"""The patch of one file."""

from __future__ import annotations

from assay.engine.experiments.patch import file_patch

FILE = (0o100644, b"1" * 20)
SCRIPT = (0o100755, b"1" * 20)
OTHER = (0o100644, b"2" * 20)


def patch(path, old, before, new, after):
    return "".join(file_patch(path, old, before, new, after)).splitlines()


def test_a_changed_line_stands_among_its_neighbours():
    assert patch("a.py", FILE, b"1\n2\n3\n", OTHER, b"1\nx\n3\n") == [
        "diff --git a/a.py b/a.py",
        "--- a/a.py",
        "+++ b/a.py",
        "@@ -1,3 +1,3 @@",
        " 1",
        "-2",
        "+x",
        " 3",
    ]


def test_a_missing_newline_at_the_end_is_told():
    assert patch("a", FILE, b"1\n", OTHER, b"1")[4:] == ["-1", "+1", "\\ No newline at end of file"]


def test_a_new_file_comes_from_nowhere():
    assert patch("a", None, b"", FILE, b"1\n")[1:4] == ["new file mode 100644", "--- /dev/null", "+++ b/a"]


def test_a_deleted_file_goes_nowhere():
    assert patch("a", FILE, b"1\n", None, b"")[1:4] == ["deleted file mode 100644", "--- a/a", "+++ /dev/null"]


def test_a_changed_mode_needs_no_content():
    assert patch("a", FILE, b"1\n", SCRIPT, b"1\n")[1:] == ["old mode 100644", "new mode 100755"]


def test_a_binary_file_is_only_named():
    assert patch("a", FILE, b"\0", OTHER, b"\1\0")[1:] == ["Binary files a/a and b/a differ (1 and 2 bytes)"]
    assert patch("a", FILE, b"\xff", OTHER, b"x")[1:] == ["Binary files a/a and b/a differ (1 and 1 bytes)"]


def test_a_large_file_is_only_named():
    assert patch("a", FILE, b"1\n" * 30_000, OTHER, b"x")[1].startswith("Large files a/a and b/a differ")


def test_only_line_feeds_end_lines():
    assert patch("a", FILE, b"a\x0cb\r\n", OTHER, "a\u2028b\r\n".encode())[3] == "@@ -1 +1 @@"


def test_odd_names_are_quoted_as_git_does():
    assert patch('t\tq"', FILE, b"", SCRIPT, b"")[0] == 'diff --git "a/t\\tq\\"" "b/t\\tq\\""'
    assert patch("ü", FILE, b"", SCRIPT, b"")[0] == "diff --git a/ü b/ü"
    assert patch("\udcff", FILE, b"", SCRIPT, b"")[0] == 'diff --git "a/\\377" "b/\\377"'
