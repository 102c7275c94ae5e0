"""The only module that writes, renames, links, syncs, deletes, or walks without following symlinks.

Everything that changes the file system goes through the functions here, so that one place decides how a file
becomes visible (temporary name, whole content, rename), and one hook, `injected`, can make any single step
fail or kill the process (tests/faults). Reading a file needs none of this: `open(path, "rb")` anywhere is fine.

Durability is bought once per command (law 1): writers do not sync by themselves; a command calls `sync_tree`
after its objects are written and before the name that makes them visible. `write_atomic(..., sync=True)` is for
those names.

`Folder` is for paths that come from a tree, a manifest, a lock file or a remote: it walks down from a root one
component at a time, refuses symlinks on the way, and so can never leave the root (law 5).
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import BinaryIO, Literal, NamedTuple

from assay.engine.errors import AssayError, UnsafePath

Step = Literal["create", "write", "sync", "rename", "link", "unlink", "mkdir", "rmdir", "chmod", "utime", "truncate"]
Hook = Callable[[Step, str], None]

_hook: Hook | None = None
_counter = 0
_O_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_FICLONE = 0x40049409
TEMP_PREFIX = ".assay-tmp-"


@contextmanager
def injected(hook: Hook) -> Iterator[None]:
    """Calls ``hook(step, path)`` before every step that changes the disk; what it raises, the step raises."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


def _step(step: Step, path: str) -> None:
    if _hook is not None:
        _hook(step, path)


def temp_name(folder: str, prefix: str = TEMP_PREFIX) -> str:
    """A path in ``folder`` that no other process or thread uses; `is_temp` knows it again.

    Another ``prefix`` is for folders whose owner sweeps names of his own (Git: ``tmp_obj_``, ``tmp_pack_``).
    """
    global _counter
    _counter += 1
    return f"{folder}/{prefix}{os.getpid()}-{_counter}-{os.urandom(4).hex()}"


def is_temp(name: str) -> bool:
    """Whether a file name is one that `temp_name` makes, so an abandoned one can be swept."""
    return name.startswith(TEMP_PREFIX)


def write_fd(fd: int, data: bytes | memoryview, path: str) -> None:
    """Writes all of ``data``; a short write goes on where it stopped."""
    _step("write", path)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def create(path: str, mode: int = 0o666) -> int:
    """Opens a new file for writing, made by this call or not at all, and returns its descriptor."""
    _step("create", path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_CLOEXEC, mode)


def create_exclusive(path: str, data: bytes, *, mode: int = 0o666, sync: bool = False) -> None:
    """Makes a new file with this content. Raises FileExistsError when there is one.

    The file is visible before it is complete; it is for lock files, whose existence is the message.
    """
    fd = create(path, mode)
    try:
        write_fd(fd, data, path)
        if sync:
            fsync_fd(fd, path)
    finally:
        os.close(fd)


def write_atomic(path: str, data: bytes, *, mode: int = 0o666, sync: bool = False) -> None:
    """Replaces the file's content: readers see the old or the new, never a part.

    Args:
        path: Absolute path; its folder must exist. A symlink there is replaced, not followed.
        data: The whole content.
        mode: Permission bits before the umask.
        sync: Whether content and name survive a power cut once this returns.
    """
    temp = temp_name(os.path.dirname(path))
    try:
        create_exclusive(temp, data, mode=mode, sync=sync)
        rename(temp, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temp)
        raise
    if sync:
        sync_folder(os.path.dirname(path))


def write_keeping_mode(path: str, data: bytes) -> None:
    """`write_atomic` for a file of the user's: keeps its permission bits, and writes through a symlink's target."""
    real = os.path.realpath(path)
    try:
        mode = stat.S_IMODE(os.stat(real).st_mode)
    except FileNotFoundError:
        write_atomic(real, data)
        return
    temp = temp_name(os.path.dirname(real))
    try:
        create_exclusive(temp, data, mode=0o600)
        chmod(temp, mode)
        rename(temp, real)
    except BaseException:
        with suppress(OSError):
            os.unlink(temp)
        raise


def rewrite(root: str, contents: Mapping[str, bytes | None]) -> None:
    """Gives files of the user's below a root their content, one after the other; None removes a file.

    Raises:
        AssayError: There is no room, or a file may not be written.
    """
    for path, content in contents.items():
        try:
            if content is None:
                unlink(f"{root}/{path}", missing_ok=True)
            else:
                write_keeping_mode(f"{root}/{path}", content)
        except OSError as error:
            raise no_space(error, path) from error


def open_append(path: str) -> int:
    """A descriptor that `write_fd` adds to the end of a file with (a log), making the file when there is none."""
    _step("create", path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _O_CLOEXEC, 0o666)


def append(path: str, data: bytes) -> None:
    """Adds one record at the end of a file, in one write, making the file when there is none."""
    fd = open_append(path)
    try:
        write_fd(fd, data, path)
    finally:
        os.close(fd)


def lock_file(path: str, body: bytes) -> int | None:
    """Takes an exclusive `flock` on a file, made when there is none, and makes ``body`` all that it says.

    Returns:
        A descriptor, whose closing gives the lock back; None when somebody else has it.
    """
    try:
        import fcntl
    except ImportError:
        raise OSError(errno.ENOSYS, "this system has no flock") from None

    _step("create", path)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | _O_CLOEXEC | _O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_fd(fd, body, path)
        os.ftruncate(fd, len(body))
    except BlockingIOError:
        os.close(fd)
        return None
    except BaseException:
        os.close(fd)
        raise
    return fd


class NewFile:
    """A file that becomes visible under its name only when `publish` is called.

    Used as a context manager it vanishes unless it was published.

    Args:
        folder: Where the temporary file lies; `publish` must name a path on the same file system.
        mode: Permission bits before the umask; without any right to write they are kept as they are.
        prefix: As for `temp_name`.
    """

    def __init__(self, folder: str, mode: int = 0o666, prefix: str = TEMP_PREFIX) -> None:
        self.path = temp_name(folder, prefix)
        self._fd = create(self.path, mode)
        if not mode & 0o222:
            os.fchmod(self._fd, mode)
        self._open = True
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        """Appends bytes and returns how many."""
        write_fd(self._fd, data, self.path)
        self.size += len(data)
        return len(data)

    def clone(self, source: int) -> bool:
        """Shares the blocks of an open file; False, with nothing changed, where that cannot be."""
        _step("write", self.path)
        return _clone(source, self._fd)

    def sync(self) -> None:
        """Makes the content survive a power cut."""
        fsync_fd(self._fd, self.path)

    def overwrite(self, offset: int, data: bytes) -> None:
        """Replaces bytes already written (a count in a header)."""
        _step("write", self.path)
        os.pwrite(self._fd, data, offset)

    def restart(self) -> None:
        """Empties the file, to begin again."""
        _step("truncate", self.path)
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.size = 0

    def close(self) -> None:
        """Closes the descriptor; the file stays under its temporary name."""
        if self._open:
            self._open = False
            os.close(self._fd)

    def publish(self, path: str) -> None:
        """Gives the file its name, replacing what was there."""
        self.close()
        rename(self.path, path)
        self.path = ""

    def drop(self) -> None:
        """Closes the file, and removes it unless it was published."""
        self.close()
        if self.path:
            with suppress(OSError):
                os.unlink(self.path)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()


def rename(source: str, target: str) -> None:
    """Moves a file or folder within a file system, replacing a file at the target."""
    _step("rename", target)
    os.replace(source, target)


def unlink(path: str, *, missing_ok: bool = False) -> None:
    """Removes a file or a symlink."""
    _step("unlink", path)
    try:
        os.unlink(path)
    except FileNotFoundError:
        if not missing_ok:
            raise


def make_folder(path: str, mode: int = 0o777) -> None:
    """Makes one folder; one that is there already is fine."""
    _step("mkdir", path)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def make_folders(path: str, mode: int | None = None) -> None:
    """Makes a folder and those above it.

    Args:
        path: The folder.
        mode: What those that are made get, whatever the umask; None leaves it to the umask.
    """
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent and parent != path:
        make_folders(parent, mode)
    make_folder(path)
    if mode is not None:
        chmod(path, mode)


def remove_folder(path: str) -> bool:
    """Removes an empty folder; False when it is not empty or not there."""
    _step("rmdir", path)
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EBUSY):
            return False
        raise
    return True


def remove_tree(path: str) -> None:
    """Removes a folder and all below it, read-only ones too; symlinks are removed, never followed.

    Nothing there is fine.
    """
    _step("unlink", path)
    with suppress(FileNotFoundError):
        if os.path.islink(path) or not os.path.isdir(path):
            os.unlink(path)
        else:
            import shutil

            try:
                shutil.rmtree(path)
            except PermissionError:  # folders that somebody made read-only, which are as much to go as all others
                _open_up(path)
                shutil.rmtree(path)


def sweep_temps(folder: str, older: float) -> None:
    """Removes what processes that died were writing in a folder: files of `temp_name`'s, last written before a time.

    Args:
        folder: Absolute path; nothing there is fine.
        older: The time, in seconds since 1970.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(folder):
            if is_temp(name):
                with suppress(FileNotFoundError):
                    if os.lstat(f"{folder}/{name}").st_mtime < older:
                        remove_tree(f"{folder}/{name}")


def _open_up(path: str) -> None:
    """Lets this user change all folders at and below one; whose they are not stay as they are."""
    with suppress(OSError):
        os.chmod(path, 0o700)
    for folder, names, _ in os.walk(path):
        for name in names:
            if not os.path.islink(f"{folder}/{name}"):
                with suppress(OSError):
                    os.chmod(f"{folder}/{name}", 0o700)


def chmod(path: str, mode: int) -> None:
    """Sets the permission bits of a file."""
    _step("chmod", path)
    os.chmod(path, mode)


def touch(path: str) -> bool:
    """Sets a file's times to now; False when there is none (Git's freshening of objects)."""
    _step("utime", path)
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    return True


def set_time(path: str, seconds: float) -> None:
    """Sets a file's times, in seconds since 1970."""
    _step("utime", path)
    os.utime(path, (seconds, seconds))


def truncate(path: str, size: int) -> None:
    """Cuts a file to a length in bytes."""
    _step("truncate", path)
    os.truncate(path, size)


def symlink(target: str, path: str) -> None:
    """Makes a symlink at ``path`` that says ``target``."""
    _step("link", path)
    os.symlink(target, path)


def hardlink(source: str, path: str) -> None:
    """Gives a file a second name."""
    _step("link", path)
    os.link(source, path)


def _clone(source: int, target: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def copy_into(reader: BinaryIO, writer: NewFile, size: int = 1 << 20) -> int:
    """Copies a stream into a new file in bounded memory and returns the length."""
    total = 0
    while chunk := reader.read(size):
        total += writer.write(chunk)
    return total


def fsync_fd(fd: int, path: str) -> None:
    """Makes a file's content survive a power cut."""
    _step("sync", path)
    os.fsync(fd)


def sync_folder(path: str) -> None:
    """Makes the names in a folder survive a power cut, where the file system can."""
    _step("sync", path)
    try:
        fd = os.open(path, os.O_RDONLY | _O_DIRECTORY | _O_CLOEXEC)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)


def sync_tree(path: str) -> None:
    """Makes everything written so far on this path's file system survive a power cut: one syncfs."""
    _step("sync", path)
    if sys.platform.startswith("linux"):
        import ctypes

        fd = os.open(path, os.O_RDONLY | _O_CLOEXEC)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(fd) == 0:
                return
        except AttributeError:
            pass
        finally:
            os.close(fd)
    os.sync()


_NETWORK = b"9p afs beegfs ceph cifs coda davfs fhgfs glusterfs gpfs lustre nfs nfs4 panfs pvfs2 smb3 smbfs".split()


def is_network(path: str) -> bool:
    """Whether a path lies on a file system that other hosts write too, as far as Linux says; False elsewhere.

    Memory mappings and sqlite's write-ahead log cannot be trusted there.
    """
    try:
        device = os.stat(path).st_dev
        with open("/proc/self/mountinfo", "rb") as file:
            mounts = file.read()
    except OSError:
        return False
    at = mounts.find(b" %d:%d " % (os.major(device), os.minor(device)))
    if at < 0:
        return False
    kind = mounts[at : mounts.find(b"\n", at)].partition(b" - ")[2].split(b" ", 1)[0]
    return kind in _NETWORK or (kind.startswith(b"fuse.") and kind != b"fuse.fuse-overlayfs")


class Found(NamedTuple):
    """One file that a walk came by; ``path`` is relative to the walk's root, POSIX."""

    path: str
    entry: os.DirEntry[str]


def walk(root: str, enter: Callable[[str], bool] | None = None) -> Iterator[Found]:
    """Every file and symlink below ``root``, sorted within each folder; symlinks are listed, never followed.

    Args:
        root: Absolute path of a folder.
        enter: Asked with each folder's relative path (no trailing slash); False leaves it out.

    Raises:
        OSError: A folder cannot be read. One that vanishes while the walk is under way is left out.
    """
    stack = [""]
    while stack:
        prefix = stack.pop()
        try:
            with os.scandir(f"{root}/{prefix}" if prefix else root) as listing:
                entries = sorted(listing, key=lambda item: item.name)
        except FileNotFoundError:
            if not prefix:
                raise
            continue
        folders = []
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if enter is None or enter(path):
                    folders.append(path + "/")
            else:
                yield Found(path, entry)
        stack.extend(reversed(folders))


def check_relative(path: str) -> str:
    """The path itself when it is one that may be written below a root. Raises UnsafePath.

    Refused are the empty path, absolute paths, NUL and backslash, and the components "", ".", ".." and every
    spelling of ".git" that some file system takes for it (as Git's verify_path does).
    """
    if not path or path[0] == "/" or "\0" in path:
        raise UnsafePath(f"The path {path!r} cannot be written inside a project.")
    for part in path.split("/"):
        if part in ("", ".", "..") or is_dot_git(part):
            raise UnsafePath(f"The path {path!r} cannot be written inside a project.")
    return path


_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


def is_dot_git(name: str) -> bool:
    """Whether some file system would take this name for ``.git`` (NTFS short names and streams, HFS+)."""
    lowered = name.lower()
    if lowered.startswith((".git", "git~")):
        ntfs = lowered.split(":", 1)[0].rstrip(" .")
        if ntfs in (".git", "git~1"):
            return True
    if "\\" in name:
        return any(is_dot_git(part) for part in name.split("\\") if part)
    return not name.isascii() and lowered.translate(_IGNORED_BY_HFS) == ".git"


def _is_harmless(name: str) -> bool:
    """Whether there is nothing in a name that could make it unsafe: the fast way for many files of one folder."""
    return name.isascii() and name[:1] not in ("", ".") and not ("\0" in name or "~" in name or "\\" in name)


class Folder:
    """A root below which paths from elsewhere are written, without ever leaving it (law 5).

    Each path is checked, then walked down one component at a time with O_NOFOLLOW; a symlink or a file where a
    folder should be is an error, not a way out. Descriptors of folders are kept while the object is open.

    Args:
        root: Absolute path of an existing folder.
    """

    _KEEP = 64

    def __init__(self, root: str) -> None:
        self.root = root
        self._fds: dict[str, int] = {"": os.open(root, os.O_RDONLY | _O_DIRECTORY | _O_CLOEXEC)}

    def close(self) -> None:
        """Closes the descriptors; the object cannot be used after that."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _at(self, folder: str, *, make: bool) -> int:
        known = self._fds.get(folder)
        if known is not None:
            return known
        above, _, name = folder.rpartition("/")
        parent = self._at(above, make=make)
        flags = os.O_RDONLY | _O_DIRECTORY | _O_NOFOLLOW | _O_CLOEXEC
        try:
            fd = os.open(name, flags, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
            _step("mkdir", f"{self.root}/{folder}")
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=parent)
            fd = os.open(name, flags, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise UnsafePath(
                    f"{self.root}/{folder} is not a folder but a file or a symlink, so nothing is written below it.",
                    "Move it away, then try again.",
                ) from error
            raise
        if len(self._fds) >= self._KEEP:
            self._forget(keep=above)
        self._fds[folder] = fd
        return fd

    def _forget(self, keep: str) -> None:
        for path in list(self._fds):
            if path and path != keep and not keep.startswith(path + "/"):
                os.close(self._fds.pop(path))

    def _place(self, path: str, *, make: bool) -> tuple[int, str]:
        above, slash, name = path.rpartition("/")
        known = self._fds.get(above)
        if known is not None and bool(above) == bool(slash) and _is_harmless(name):
            return known, name  # the folder was checked when it was opened
        check_relative(path)
        return self._at(above, make=make), name

    def stat(self, path: str) -> os.stat_result | None:
        """The lstat of a path, or None when nothing is there."""
        try:
            at, name = self._place(path, make=False)
            return os.stat(name, dir_fd=at, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, path: str) -> BinaryIO:
        """Opens a regular file for reading; a symlink is refused."""
        at, name = self._place(path, make=False)
        return os.fdopen(os.open(name, os.O_RDONLY | _O_NOFOLLOW | _O_CLOEXEC, dir_fd=at), "rb")

    def write(
        self, path: str, data: bytes | Iterable[bytes], *, executable: bool = False, mtime_ns: int | None = None
    ) -> os.stat_result:
        """Replaces a file's content atomically and returns its stat; folders above are made.

        With ``mtime_ns`` the file gets that modification time, as far as the file system can hold it.
        """
        at, name = self._place(path, make=True)
        temp = temp_name("")[1:]
        full = f"{self.root}/{path}"
        _step("create", full)
        mode = 0o777 if executable else 0o666
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_NOFOLLOW | _O_CLOEXEC, mode, dir_fd=at)
        try:
            try:
                for chunk in (data,) if isinstance(data, bytes) else data:
                    write_fd(fd, chunk, full)
                if mtime_ns is not None:
                    os.utime(fd, ns=(mtime_ns, mtime_ns))
            finally:
                os.close(fd)
            _step("rename", full)
            os.replace(temp, name, src_dir_fd=at, dst_dir_fd=at)
        except BaseException:
            with suppress(OSError):
                os.unlink(temp, dir_fd=at)
            raise
        return os.stat(name, dir_fd=at, follow_symlinks=False)

    def clone(
        self, source: str, path: str, *, executable: bool = False, mtime_ns: int | None = None
    ) -> os.stat_result | None:
        """`write` by sharing the blocks of the file ``source``; None, with nothing changed, where that cannot be."""
        at, name = self._place(path, make=True)
        temp = temp_name("")[1:]
        full = f"{self.root}/{path}"
        with open(source, "rb") as reader:
            _step("create", full)
            mode = 0o777 if executable else 0o666
            fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_NOFOLLOW | _O_CLOEXEC, mode, dir_fd=at)
            try:
                if not _clone(reader.fileno(), fd):
                    return None
                if mtime_ns is not None:
                    os.utime(fd, ns=(mtime_ns, mtime_ns))
                _step("rename", full)
                os.replace(temp, name, src_dir_fd=at, dst_dir_fd=at)
                return os.fstat(fd)
            finally:
                os.close(fd)
                with suppress(FileNotFoundError):
                    os.unlink(temp, dir_fd=at)

    def shares_blocks(self, source: str) -> bool:
        """Whether a file here can share the blocks of the file ``source``; tried with a file that is gone afterwards.

        Raises:
            OSError: ``source`` cannot be read, or nothing can be written here.
        """
        with open(source, "rb") as reader, NewFile(self.root) as trial:
            return trial.clone(reader.fileno())

    def symlink(self, target: str, path: str) -> os.stat_result:
        """Puts a symlink at ``path``, replacing a file or symlink there."""
        at, name = self._place(path, make=True)
        temp = temp_name("")[1:]
        _step("link", f"{self.root}/{path}")
        os.symlink(target, temp, dir_fd=at)
        os.replace(temp, name, src_dir_fd=at, dst_dir_fd=at)
        return os.stat(name, dir_fd=at, follow_symlinks=False)

    def hardlink(self, source: str, path: str) -> os.stat_result:
        """Gives the file ``source`` a second name at ``path``, replacing a file there.

        Raises:
            OSError: The file system has no hard links, or ``source`` lies on another one.
        """
        at, name = self._place(path, make=True)
        _step("link", f"{self.root}/{path}")
        try:
            os.link(source, name, dst_dir_fd=at)
        except FileExistsError:
            temp = temp_name("")[1:]
            os.link(source, temp, dst_dir_fd=at)
            try:
                os.replace(temp, name, src_dir_fd=at, dst_dir_fd=at)
            finally:
                with suppress(FileNotFoundError):  # two names of one inode: rename leaves both
                    os.unlink(temp, dir_fd=at)
        return os.stat(name, dir_fd=at, follow_symlinks=False)

    def chmod(self, path: str, mode: int) -> None:
        """Sets the permission bits of a regular file."""
        at, name = self._place(path, make=False)
        _step("chmod", f"{self.root}/{path}")
        fd = os.open(name, os.O_RDONLY | _O_NOFOLLOW | _O_CLOEXEC, dir_fd=at)
        try:
            os.fchmod(fd, mode)
        finally:
            os.close(fd)

    def make(self, path: str) -> None:
        """Makes a folder and those above it."""
        check_relative(path)
        self._at(path, make=True)

    def remove(self, path: str) -> bool:
        """Removes a file or symlink; False when there was none. Folders left empty above it stay."""
        try:
            at, name = self._place(path, make=False)
            _step("unlink", f"{self.root}/{path}")
            os.unlink(name, dir_fd=at)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def remove_empty(self, path: str) -> bool:
        """Removes a folder when it is empty."""
        known = self._fds.pop(path, None)
        if known is not None:
            os.close(known)
        try:
            at, name = self._place(path, make=False)
            _step("rmdir", f"{self.root}/{path}")
            os.rmdir(name, dir_fd=at)
        except OSError:
            return False
        return True


def no_space(error: OSError, path: str) -> AssayError:
    """The sentence for a disk that is full or a folder that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AssayError(f"No space left while writing {path}.", "Free some space and run the same command again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AssayError(f"{path} cannot be written: {os.strerror(error.errno)}.", "Check its owner and permissions.")
    return AssayError(f"{path}: {os.strerror(error.errno) if error.errno else error}.")
