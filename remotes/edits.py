"""Changing, renaming and removing remotes: their sections, and every setting that names them, in one file or several.

A section that has lost its URL to another file would make every later command fail, so what is asked for is worked out
first, for all files together, and refused when it would come to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.engine.config import Config, Layer, read
from assay.engine.configtext import Sections, Value, as_text, edited, parse, without_section
from assay.engine.errors import ConfigError
from assay.engine.project import Project
from assay.engine.settings import change, write
from assay.remotes.registry import checked_url, find, open_store


def modify(project: Project, name: str, key: str, value: str | None, path: str, *, typed_in: str) -> None:
    """Sets one key of a remote, or takes it away when ``value`` is None.

    Args:
        project: The project.
        name: The remote's name.
        key: The setting.
        value: Its new value; a path is relative to ``typed_in``.
        path: The configuration file that is changed, absolute; one of the project's or the user's.
        typed_in: Absolute path of the folder where it was typed.

    Raises:
        ConfigError: There is no such remote, or it cannot have that setting or that value; nothing was changed.
        UsageError: No remote can have that URL.
    """
    present = find(project, name)
    if value is not None and key == "url":
        checked_url(value)
    elif value is not None:
        open_store(present._replace(settings={key: value})).close()
    below = [layer for layer in project.config.layers if layer.path != path]
    change(path, f"remote.{present.name}.{key}", value, words=project.layout.words, typed_in=typed_in, below=below)


def rename(project: Project, old: str, new: str, paths: Sequence[str]) -> None:
    """Gives a remote another name.

    Args:
        project: The project.
        old: The remote's name.
        new: What to call it.
        paths: The configuration files that are changed, absolute.

    Raises:
        ConfigError: There is no such remote in these files, or one of the new name; nothing was changed.
    """
    if new in project.config.named("remote"):
        raise ConfigError(f"Rename failed. Remote name {new!r} already exists.")
    texts = {}
    for path, text in _having(old, paths).items():
        keys = parse(text, path).get(_section(old), {})
        for key, value in keys.items():
            text = edited(text, _section(new), key, as_text(value))
        texts[path] = _without(text, path, old, new) if keys else _without(text, path, old, new, section=False)
    _write(project, texts)


def remove(project: Project, name: str, paths: Sequence[str]) -> None:
    """Takes a remote away. Arguments and errors are those of `rename`."""
    _write(project, {path: _without(text, path, name, None) for path, text in _having(name, paths).items()})


def _having(name: str, paths: Sequence[str]) -> dict[str, str]:
    """The texts of the files; one of them at least has the remote. Raises ConfigError."""
    texts = {path: text for path in paths if (text := read(path))}
    if not any(_section(name) in parse(text, path) for path, text in texts.items()):
        raise ConfigError(f"remote {name!r} doesn't exist.", "`remote list` shows those that there are.")
    return texts


def _without(text: str, path: str, name: str, new: str | None, *, section: bool = True) -> str:
    """A text without a remote's section, in which the default is another one, or none."""
    text = without_section(text, _section(name)) if section else text
    if _word(parse(text, path), "core", "remote") == name:
        text = edited(text, "core", "remote", new)
    return text


def _write(project: Project, texts: Mapping[str, str]) -> None:
    layers = [
        Layer(name, path, parse(texts[path], path) if path in texts else sections)
        for name, path, sections in project.config.layers
    ]
    for name, keys in Config(layers).named("remote").items():
        if not keys.get("url"):
            where = next(path for _, path, sections in layers if _section(name) in sections)
            raise ConfigError(
                f"That would leave settings of the remote {name!r} without a url in {where}.",
                "Leave the flag that names a file out, so that all files are changed.",
            )
    for path, text in texts.items():
        write(path, text, is_new=False)


def _section(name: str) -> str:
    return f'remote "{name}"'


def _word(sections: Sections, section: str, key: str) -> Value | None:
    return sections.get(section, {}).get(key)
