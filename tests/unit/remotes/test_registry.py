"""Remotes in the configuration: added, found, opened, and never with credentials shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.config import Config
from assay.engine.errors import ConfigError, UsageError
from assay.engine.git.repository import Repository
from assay.engine.layout import native
from assay.engine.project import Project, load_config
from assay.remotes.registry import (
    Remote,
    add,
    default_name,
    find,
    keep_local,
    located,
    make_default,
    open_store,
    remotes,
    shown,
)
from tests.sharing import world


class Folder:
    """A project's root, whose configuration is read anew each time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".assay").mkdir(parents=True)
        self.repo = Repository.init(str(root))

    @property
    def project(self) -> Project:
        config: Config = load_config(str(self.root), native(), world())
        return Project(str(self.root), native(), config, self.repo, world())

    def config(self, name: str = "config") -> str:
        return (self.root / ".assay" / name).read_text()

    def write(self, text: str, name: str = "config") -> None:
        (self.root / ".assay" / name).write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path / "project")
    yield made
    made.repo.close()


def test_a_remote_that_was_added_is_found(folder: Folder) -> None:
    add(folder.project, "team", "s3://bucket/us", folder="/")
    assert find(folder.project, "team") == Remote("team", "s3://bucket/us", {})
    assert folder.config() == "['remote \"team\"']\n    url = s3://bucket/us\n"


def test_the_only_remote_is_the_default(folder: Folder) -> None:
    add(folder.project, "team", "s3://bucket/us", folder="/")
    assert default_name(folder.project) == "team"
    assert find(folder.project).name == "team"


def test_among_several_the_default_must_be_chosen(folder: Folder) -> None:
    add(folder.project, "one", "/mnt/one", folder="/")
    add(folder.project, "two", "/mnt/two", folder="/")
    with pytest.raises(ConfigError, match="2 remotes and none is the default"):
        find(folder.project)
    make_default(folder.project, "two")
    assert find(folder.project).name == "two"
    add(folder.project, "three", "/mnt/three", folder="/", default=True)
    assert find(folder.project).name == "three"


def test_a_default_that_does_not_exist_is_refused(folder: Folder) -> None:
    add(folder.project, "one", "/mnt/one", folder="/")
    with pytest.raises(ConfigError, match="no remote 'two'"):
        make_default(folder.project, "two")


def test_a_project_without_remotes_says_how_to_add_one(folder: Folder) -> None:
    with pytest.raises(ConfigError, match="has no remote") as caught:
        find(folder.project)
    assert "remote add" in caught.value.hint


def test_an_unknown_remote_names_near_ones(folder: Folder) -> None:
    add(folder.project, "origin", "/mnt/one", folder="/")
    with pytest.raises(ConfigError, match="no remote 'orign'") as caught:
        find(folder.project, "orign")
    assert "origin" in caught.value.hint


def test_a_relative_path_is_stored_relative_to_the_configuration(folder: Folder, tmp_path: Path) -> None:
    made = add(folder.project, "near", "../shared", folder=str(folder.root))
    assert made.url == str(tmp_path / "shared")
    assert "url = ../../shared" in folder.config()
    assert find(folder.project).url == str(tmp_path / "shared")
    add(folder.project, "here", "shared", folder=str(folder.root / "sub"))
    assert find(folder.project, "here").url == str(folder.root / "sub/shared")


def test_a_url_in_the_local_configuration_is_relative_to_that_file(folder: Folder) -> None:
    folder.write("['remote \"a\"']\n    url = ../there\n", "config.local")
    assert find(folder.project).url == str(folder.root / "there")


def test_the_local_configuration_wins_key_by_key(folder: Folder) -> None:
    folder.write("['remote \"a\"']\n    url = s3://bucket/a\n    region = one\n    profile = p\n")
    folder.write("['remote \"a\"']\n    region = two\n", "config.local")
    assert find(folder.project).settings == {"region": "two", "profile": "p"}


def test_a_name_that_is_taken_is_refused_unless_forced(folder: Folder) -> None:
    add(folder.project, "team", "/mnt/one", folder="/")
    with pytest.raises(ConfigError, match="already"):
        add(folder.project, "team", "/mnt/two", folder="/")
    add(folder.project, "team", "/mnt/two", folder="/", force=True)
    assert find(folder.project).url == "/mnt/two"


@pytest.mark.parametrize("name", ["", "-x", "a b", 'a"b', "a/b", "ä"])
def test_a_name_that_cannot_be_written_is_refused(folder: Folder, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        add(folder.project, name, "/mnt/one", folder="/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hdfs://host/path",
        "s3://",
        "s3:///us",
        "gs:///path",
        "https://ann:secret@example.com/x",
        "ssh://ann:secret@host/x",
        "a\nb",
    ],
)
def test_a_url_that_no_remote_can_have_is_refused(folder: Folder, url: str) -> None:
    with pytest.raises(UsageError):
        add(folder.project, "team", url, folder="/")
    assert not (folder.root / ".assay/config").exists()


def test_credentials_in_a_url_are_refused_and_not_repeated(folder: Folder) -> None:
    with pytest.raises(UsageError) as caught:
        add(folder.project, "team", "s3://AKIAKEY:hunter2@bucket/us", folder="/")
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert "AKIAKEY" not in caught.value.message


def test_credentials_in_a_url_are_never_shown(folder: Folder) -> None:
    folder.write("['remote \"team\"']\n    url = s3://AKIAKEY:secret@bucket/us?token=secret\n")
    assert remotes(folder.project) == {"team": "s3://bucket/us"}
    with pytest.raises(UsageError) as caught:
        find(folder.project)
    assert "secret" not in str(caught.value)
    assert shown("/plain/path?with=question@mark") == "/plain/path?with=question@mark"


def test_one_remote_that_cannot_be_used_does_not_keep_others_from_being_found(folder: Folder) -> None:
    folder.write("['remote \"bad\"']\n    url = gopher://x\n['remote \"good\"']\n    url = /mnt/good\n")
    assert find(folder.project, "good").url == "/mnt/good"
    assert set(remotes(folder.project)) == {"bad", "good"}


def test_a_remote_without_a_url_is_named(folder: Folder) -> None:
    folder.write("['remote \"team\"']\n    region = x\n")
    with pytest.raises(ConfigError, match="'team' has no url"):
        find(folder.project)


def test_a_remote_can_be_kept_in_the_local_configuration(folder: Folder) -> None:
    keep_local(folder.project, Remote("origin", "s3://bucket/x", {"endpointurl": "http://localhost:1"}), default=True)
    assert find(folder.project) == Remote("origin", "s3://bucket/x", {"endpointurl": "http://localhost:1"})
    assert not (folder.root / ".assay/config").exists()


def test_the_rest_of_the_configuration_stays_byte_for_byte(folder: Folder) -> None:
    before = "# mine\n[core]\n    hash = sha256   # chosen\n\n[user]\n  name=Ann\n"
    folder.write(before)
    add(folder.project, "team", "s3://bucket/us", folder="/")
    assert folder.config().startswith(before)


def test_a_configuration_that_cannot_be_understood_is_left_as_it_is(folder: Folder) -> None:
    project = folder.project
    folder.write("nonsense\n")
    with pytest.raises(ConfigError, match="config"):
        add(project, "team", "s3://bucket/us", folder="/")
    assert folder.config() == "nonsense\n"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"sse_customer_key": "x"}, "'sse_customer_key', which is not supported"),
        ({"endpoint": "http://x"}, "'endpoint', which is not supported"),
        ({"jobs": "many"}, "must be a whole number"),
        ({"jobs": "0"}, "must be at least 1"),
        ({"addressing_style": "odd"}, "must be path, virtual or auto"),
        ({"use_ssl": "perhaps"}, "must be true or false"),
        ({"ssl_verify": "perhaps"}, "must be true or false"),
    ],
)
def test_a_setting_that_is_wrong_is_said_before_anything_is_asked(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        open_store(Remote("team", "s3://bucket/us", settings))


def test_a_setting_of_s3_makes_no_sense_for_a_folder() -> None:
    with pytest.raises(ConfigError, match="'region', which is not supported"):
        open_store(Remote("team", "/mnt/x", {"region": "x"}))


@pytest.mark.parametrize("url", ["file:///tmp/a%20b", "/tmp/a b", "file://localhost/tmp/a%20b"])
def test_a_file_url_is_a_path(url: str, tmp_path: Path) -> None:
    store = open_store(Remote("x", url, {}))
    assert store._store._root == "/tmp/a b"  # type: ignore[attr-defined]


def test_a_file_url_of_another_host_is_refused() -> None:
    with pytest.raises(ConfigError, match="file:///ABSOLUTE/PATH"):
        open_store(Remote("x", "file://server/share", {}))


@pytest.mark.parametrize("url", ["s3://", "s3:///x"])
def test_an_s3_url_names_a_bucket(url: str) -> None:
    with pytest.raises(ConfigError, match="s3://BUCKET"):
        open_store(Remote("x", url, {}))


def test_a_url_as_it_was_typed_is_made_absolute() -> None:
    assert located("../x", "/a/b") == "/a/x"
    assert located("s3://bucket/x", "/a/b") == "s3://bucket/x"


def test_a_remote_may_lie_in_another_one(folder: Folder) -> None:
    add(folder.project, "base", str(folder.root / "base"), folder=str(folder.root))
    path = folder.root / ".assay/config.local"
    path.write_text(
        "['remote \"base\"']\n    jobs = 2\n    type = copy\n['remote \"sub\"']\n    url = remote://base/a/b\n"
        "['remote \"lost\"']\n    url = remote://nowhere/a\n"
    )
    found = find(folder.project, "sub")
    assert (found.url, found.jobs) == (f"{folder.root}/base/a/b", 2)
    with pytest.raises(ConfigError, match="lies in 'nowhere'"):
        find(folder.project, "lost")


def test_settings_of_dvc_that_change_nothing_here_are_let_be() -> None:
    settings = {"verify": "true", "type": "hardlink", "checksum_jobs": "4", "no_traverse": "true"}
    open_store(Remote("r", "/nowhere", settings)).close()


def test_a_file_that_has_a_program_run_is_read_only_where_the_user_alone_named_it(folder: Folder) -> None:
    aws = folder.root / "aws"
    aws.write_text("[default]\nCredential_Process = sh -c true\n")
    for key in ("configpath", "credentialpath"):
        text = f"['remote \"a\"']\n    {key} = ../aws\n"
        folder.write("['remote \"a\"']\n    url = s3://bucket\n" + text.partition("\n")[2])
        with pytest.raises(ConfigError, match="has a program run"):
            open_store(find(folder.project, "a"))
        folder.write(text, "config.local")
        open_store(find(folder.project, "a")).close()
        folder.write("", "config.local")
    aws.write_text("[default]\nregion = x\n")
    open_store(find(folder.project, "a")).close()
    with pytest.raises(ConfigError, match="has a program run"):
        open_store(Remote("a", "s3://bucket", {"configpath": "/tmp/$HOME"}))


def test_what_is_no_url_at_all_is_a_sentence() -> None:
    for url in ("http://[::1/x", "s3://[/x"):
        with pytest.raises(UsageError, match="is no URL"):
            located(url, "/")
        assert shown(url).endswith("://...")
