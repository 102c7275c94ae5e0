"""The one place that reads the environment, the home folder, the current folder and the terminal.

`Surroundings` holds what it found and hands it on as values, a `World` for the engine; a command's `Context` adds
streams and a reporter. Nothing below this storey asks the outside (law 6).
"""

from __future__ import annotations

import os
import sys
import time
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from assay.engine.errors import AssayError, NotAProject, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.api.lab import Lab
    from assay.cli.render.progress import Progress
    from assay.engine.events import Reporter
    from assay.engine.ports import Configuration, Person, UrlState
    from assay.engine.project import Project, World


class SystemClock:
    """The machine's clock and time zone."""

    def now(self) -> tuple[int, int]:
        """Seconds since 1970 and the local offset in minutes east of UTC."""
        seconds = int(time.time())
        return seconds, time.localtime(seconds).tm_gmtoff // 60


class GitClock:
    """The clock of Git's own date variable, for reproducible commits."""

    def __init__(self, text: str) -> None:
        words = text.removeprefix("@").split()
        if not words or not words[0].isdigit():
            raise UsageError(
                f"GIT_COMMITTER_DATE is {text!r}; assay reads the form '1700000000 +0100' only.",
                "Set it so, or unset it.",
            )
        self._seconds = int(words[0])
        zone = words[1] if len(words) > 1 else "+0000"
        sign = -1 if zone.startswith("-") else 1
        self._offset = sign * (int(zone[1:3]) * 60 + int(zone[3:5]))

    def now(self) -> tuple[int, int]:
        """The fixed time."""
        return self._seconds, self._offset


class RandomIds:
    """Names from the system's random source, not from any seed that user code sets."""

    def nonce(self) -> str:
        """16 lower-case hexadecimal digits."""
        return os.urandom(8).hex()

    def choose(self, options: Sequence[str]) -> str:
        """One of the options, each as likely as the next."""
        return options[int.from_bytes(os.urandom(8), "big") % len(options)]


class Servers:
    """What lies beyond this machine, for the engine; the modules that ask are loaded when it is asked for."""

    def state(self, url: str, remotes: Mapping[str, Mapping[str, str]]) -> UrlState | None:
        """What is at a URL now; None when nothing is. Raises RemoteError or ConfigError."""
        from assay.remotes.urls import state

        return state(url, remotes)


class Composer:
    """What composes parameters, for the engine; the module that does is loaded when it is asked.

    Args:
        environment: The variables that composing may look at.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def compose(self, configuration: Configuration, overrides: Sequence[Sequence[str]], folder: str) -> list[str]:
        """The texts of a configuration composed with each of these lists of overrides. Raises Refused."""
        from assay.cli.composer import compose

        return compose(configuration, overrides, folder, self._environment)


class Typist:
    """Whoever sits at the terminal of a command.

    Args:
        context: The command's.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def ask(self, question: str, *, secret: bool = False) -> str | None:
        """The line that was typed; None at the end of the input."""
        self._context.report.clear()
        try:
            if secret:
                from getpass import getpass

                return getpass(question, self._context.err)
            self._context.err.write(question)
            self._context.err.flush()
            return sys.stdin.readline().rstrip("\r\n") or None
        except EOFError:
            return None


class Surroundings:
    """What this process finds around it, handed on as values.

    Attributes:
        environment: The process's variables.
        folder: Absolute path of the folder to work in, symlinks resolved; empty for the current one.
        command: What the user typed.
        patient: Whether to wait for who holds a workspace.
    """

    patient = False

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self.command = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"
        self.folder = ""

    @property
    def here(self) -> str:
        """The folder the command works in. Raises NotAProject when it was deleted under us."""
        if not self.folder:
            try:
                self.folder = os.path.realpath(os.getcwd())
            except FileNotFoundError:
                raise NotAProject("The current folder does not exist any more.", "Go to one that does.") from None
        return self.folder

    @cached_property
    def home(self) -> str:
        """The home folder, or empty where there is none."""
        home = os.path.expanduser("~") if self.environment.get("HOME") != "" else ""
        return home if os.path.isabs(home) else ""

    def _xdg(self, variable: str, default: str) -> str:
        folder = self.environment.get(variable, "")
        if not os.path.isabs(folder):
            folder = os.path.join(self.home, default) if self.home else ""
        return folder

    @property
    def user_config(self) -> str:
        """Path of the user's own assay configuration; empty where there is no home."""
        folder = self._xdg("XDG_CONFIG_HOME", ".config")
        return f"{folder}/assay/config" if folder else ""

    @property
    def dvc_config(self) -> tuple[str, str]:
        """Paths of DVC's system and global configuration, where DVC looks for them; empty where there is no home."""
        if sys.platform == "darwin":
            system = "/Library/Application Support/dvc"
            own = f"{self.home}/Library/Application Support/dvc" if self.home else ""
        else:
            folders = self.environment.get("XDG_CONFIG_DIRS", "").split(":")
            system = f"{folders[0].strip() or '/etc/xdg'}/dvc"
            own = self._xdg("XDG_CONFIG_HOME", ".config")
            own = f"{own}/dvc" if own else ""
        system = self.environment.get("DVC_SYSTEM_CONFIG_DIR") or system
        own = self.environment.get("DVC_GLOBAL_CONFIG_DIR") or own
        return self._config_in(system), self._config_in(own)

    def _config_in(self, folder: str) -> str:
        if folder and not os.path.isabs(folder):
            folder = os.path.join(self.here, folder)
        return f"{folder}/config" if folder else ""

    @property
    def git_config(self) -> tuple[str, ...]:
        """Paths of Git's system and user configuration, as git-config(1) finds them."""
        paths = []
        if not self.environment.get("GIT_CONFIG_NOSYSTEM"):
            paths.append(self.environment.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig")
        if "GIT_CONFIG_GLOBAL" in self.environment:
            paths.append(self.environment["GIT_CONFIG_GLOBAL"])
        else:
            xdg = self._xdg("XDG_CONFIG_HOME", ".config")
            paths += [f"{xdg}/git/config"] if xdg else []
            paths += [f"{self.home}/.gitconfig"] if self.home else []
        return tuple(path for path in paths if path)

    @cached_property
    def world(self) -> World:
        """Everything that the engine may know of the outside."""
        from assay.engine.project import World

        date = self.environment.get("GIT_COMMITTER_DATE", "")
        in_venv = sys.prefix != sys.base_prefix
        cache = self._xdg("XDG_CACHE_HOME", ".cache")
        machine = os.uname().machine if hasattr(os, "uname") else "unknown"
        return World(
            clock=GitClock(date) if date else SystemClock(),
            ids=RandomIds(),
            environment=self.environment,
            user_config=self.user_config,
            dvc_config=self.dvc_config,
            home=self.home,
            git_config=self.git_config,
            user_cache=f"{cache}/assay" if cache else "",
            interpreter_bin=os.path.dirname(sys.executable) if in_venv else "",
            login=self._login(),
            site_packages=tuple(path for path in sys.path if path.endswith(("site-packages", "dist-packages"))),
            python=(".".join(str(part) for part in sys.version_info[:3]), f"{sys.platform}-{machine}"),
            command=self.command,
            patient=self.patient,
            outside=Servers(),
            person=self.person,
            composer=Composer(self.environment),
        )

    @property
    def person(self) -> Person | None:
        """Who is asked for passwords; programs ask nobody."""
        return None

    def _login(self) -> str:
        user = self.environment.get("USER") or self.environment.get("LOGNAME") or f"user{os.getuid()}"
        host = os.uname().nodename if hasattr(os, "uname") else ""
        return f"{user}@{host or 'localhost'}"

    def open_project(self, path: str | os.PathLike[str] = ".", report: Reporter | None = None) -> Project:
        """Opens the project in or above a folder; for programs, which say where events go.

        Raises:
            NotAProject: There is none, or no such folder.
        """
        from assay.engine.events import silent
        from assay.engine.project import open_project

        folder = os.path.realpath(os.path.join(self.here, os.path.expanduser(path)))
        if not os.path.isdir(folder):
            raise NotAProject(f"There is no folder {folder}.")
        return open_project(folder, self.world, report or silent)


class Context(Surroundings):
    """What a command gets besides its arguments.

    Attributes:
        out: Where the result goes.
        err: Where everything else goes.
        quiet: Say only errors.
        debug: Let exceptions through.
        needs_git: Refuse a project that works without Git.
        command: What was typed.
        typed: The same, word by word: options of the program, then the verb and what follows it.
        error_word: What an error begins with.
        debug_form: How to say a command so that exceptions come through.
    """

    error_word = "error"
    debug_form = "assay --debug ..."

    def __init__(self) -> None:
        super().__init__()
        self.out: TextIO = sys.stdout
        self.err: TextIO = sys.stderr
        for stream in (self.out, self.err):
            # Names in a repository need not be UTF-8; printing them must not end in an error.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self.quiet = False
        self.debug = bool(self.environment.get("ASSAY_DEBUG"))
        self.command = "assay"
        self.typed: tuple[list[str], list[str]] = ([], [])
        self.needs_git = False
        self._project: Project | None = None

    def change_folder(self, path: str) -> None:
        """Works in another folder, as if the command had been typed there."""
        self.folder = os.path.realpath(os.path.join(self.here, path))
        if not os.path.isdir(self.folder):
            raise UsageError(f"--cd: {path} is not a folder.")

    @property
    def is_terminal(self) -> bool:
        """Whether the result goes to a person's screen."""
        return self.out.isatty()

    def ask(self, question: str) -> bool:
        """Asks a person and waits for yes or no; the end of the input is a no."""
        self.report.clear()
        self.err.write(f"{question} [y/N] ")
        self.err.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    @property
    def person(self) -> Person | None:
        """Whoever sits at the terminal."""
        return Typist(self) if self.can_ask else None

    @property
    def can_ask(self) -> bool:
        """Whether there is a person at a terminal to ask."""
        return sys.stdin is not None and sys.stdin.isatty() and self.err.isatty()

    @property
    def colour(self) -> bool:
        """Whether the result may be coloured (NO_COLOR, TERM=dumb)."""
        return self.is_terminal and not self.environment.get("NO_COLOR") and self.environment.get("TERM") != "dumb"

    @property
    def screen(self) -> tuple[int, int]:
        """Columns and lines of the screen that the result goes to; COLUMNS and LINES win, as everywhere."""
        from shutil import get_terminal_size

        size = get_terminal_size()
        return size.columns, size.lines

    @property
    def pager(self) -> str:
        """The command that shows long results a page at a time (ASSAY_PAGER, PAGER, else less); empty for none."""
        from shutil import which

        for name in ("ASSAY_PAGER", "PAGER"):
            if name in self.environment:
                return self.environment[name].strip()
        return "less" if which("less", path=self.environment.get("PATH")) else ""

    def write_paged(self, text: str, *, whole: bool = False) -> None:
        """Writes a long result, a page at a time where a terminal shows less than all of it, unless ``whole``."""
        if whole or not self.is_terminal or text.count("\n") < self.screen[1]:
            self.out.write(text)
            return
        from assay.cli.render import pager

        pager.write(text, self.out, self.pager, self.environment)

    @cached_property
    def report(self) -> Progress:
        """The reporter that writes events to stderr."""
        from assay.cli.render.progress import Progress

        live = self.err.isatty() and self.environment.get("TERM") != "dumb"
        return Progress(self.err, live=live, quiet=self.quiet)

    def project(self) -> Project:
        """The project around the folder, opened once and closed with the context."""
        if self._project is None:
            from assay.engine.project import open_project

            self._project = open_project(self.here, self.world, self.report)
            if self.needs_git:
                self._project.require_git()
        return self._project

    @cached_property
    def lab(self) -> Lab:
        """The project's experiments and the verbs about them, as programs have them."""
        from assay.api.lab import Lab

        return Lab(self.project())

    def relative(self, path: str) -> str:
        """A path as typed, relative to the project's root. Raises UsageError when it lies outside."""
        root = self.project().root
        full = os.path.normpath(os.path.join(self.here, path))
        if full != root and not full.startswith(root + "/"):  # perhaps only by the way it is written
            full = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
        found = os.path.relpath(full, root).replace(os.sep, "/")
        if found == ".." or found.startswith("../"):
            raise UsageError(f"{path} lies outside the project at {root}.")
        return found

    def current(self) -> str:
        """The current folder as a project path; "" is the project itself. Raises UsageError when it lies outside."""
        found = self.relative(".")
        return "" if found == "." else found

    def with_flag(self, flag: str) -> str:
        """What was typed with one more flag after its verb, as a shell reads it."""
        from shlex import join

        options, words = self.typed
        return join(["assay", *options, *words[:1], flag, *words[1:]])

    def say(self, text: str) -> None:
        """Prints one line of the result."""
        self.out.write(text + "\n")

    def fail(self, error: AssayError) -> None:
        """Tells an error on stderr: the sentence, what the command printed last, the hint."""
        self.report.clear()
        self.err.write(f"{self.error_word}: {error.message}\n")
        tail = getattr(error, "tail", "")
        if tail:
            self.err.write("".join(f"  | {line}\n" for line in tail.splitlines()))
        if error.hint:
            self.err.write(f"  {error.hint}\n")
        self.err.flush()

    def close(self) -> None:
        """Closes the project."""
        if self._project is not None:
            self._project.close()
            self._project = None
