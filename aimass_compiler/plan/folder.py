"""An output folder that is open: no path leads out of it, whatever links somebody puts there meanwhile.

Every name is looked up from the descriptor of the folder it is in, and no link is followed on the
way (openat(2) with O_NOFOLLOW). Systems without descriptors of folders, such as Windows, look at each
folder of a path before they use it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator
    from types import TracebackType

_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_ENTER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
#: A pipe that somebody puts in the place of a file would otherwise wait for who writes to it.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | _NO_LINK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | _NO_LINK
_AT_ONCE = 1 << 17
#: Folders that are kept open at a time; a model has about ten.
_MOST_OPEN = 100

FILE = "a file, not a folder"
FOLDER = "a folder"
LINK = "a symbolic link, which is never followed"
OTHER = "neither a file nor a folder"


class Obstacle(Struct, frozen=True):
    """What is in the way, and where: a path can neither be read nor written safely."""

    reason: str
    at: str = ""


def differs_in_case(found: str, path: str) -> Obstacle:
    """What some disks take for the path, and git does not."""
    return Obstacle(f"`{found}` differs from `{path}` in case only, and some disks take both for one", found)


class _Place(NamedTuple):
    """A folder that was entered: what a name in it is looked up from."""

    descriptor: int | None
    prefix: str = ""


class OutputFolder:
    """Reads and writes below one folder; whatever it raises is an OSError."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._places: dict[str, _Place] = {}
        self._listed: dict[str, dict[str, str] | Obstacle] = {}

    def __enter__(self) -> OutputFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def obstacle(self) -> Obstacle | None:
        """What stands where the output folder belongs; None where it is a folder, or is not there yet."""
        try:
            kind = _kind_of_mode(os.lstat(self._path).st_mode)
        except OSError:
            return None
        return None if kind == FOLDER else Obstacle(f"`{self._path.name}` is {kind}")

    def look(self, path: str) -> bytes | Obstacle | None:
        """The content of a file, None where there is none, or what is in the way.

        What each folder holds is read once: this is for looking at everything, and then no more.
        """
        return self._found(path, self._kind_of)

    def look_again(self, path: str) -> bytes | Obstacle | None:
        """The same, as it is at this moment."""
        return self._found(path, self._kind_now)

    def _found(self, path: str, kind_of: Callable[[str], str | Obstacle | None]) -> bytes | Obstacle | None:
        try:
            kind = kind_of(path)
            if kind == FILE:
                return self._content(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Obstacle(f"`{path}` cannot be read: {error.strerror}", path)
        return Obstacle(f"`{path}` is {kind}", path) if isinstance(kind, str) else kind

    def names(self, path: str) -> dict[str, str]:
        """What is in a folder: FILE, FOLDER, LINK or OTHER by name; nothing where there is no folder."""
        try:
            place = self._entered(path)
            with os.scandir(place.prefix if place.descriptor is None else place.descriptor) as entries:
                return {entry.name: _kind_of_entry(entry) for entry in entries}
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return {}
            raise

    def files(self, path: str) -> Iterator[str]:
        """Every file, link and device below a folder."""
        for name, kind in sorted(self.names(path).items()):
            if kind == FOLDER:
                yield from self.files(f"{path}/{name}")
            else:
                yield f"{path}/{name}"

    def create(self, path: str, content: bytes) -> None:
        """Write a new file, and the folders it is in; FileExistsError where there is something."""
        place, name = self._made(path)
        descriptor = os.open(place.prefix + name, _CREATE, 0o666, dir_fd=place.descriptor)
        try:
            written = os.write(descriptor, content)
            while written < len(content):
                written += os.write(descriptor, memoryview(content)[written:])
        finally:
            os.close(descriptor)

    def make(self, path: str) -> None:
        """Make a folder and those that it is in, where they are missing."""
        self._made(f"{path}/.")

    def move(self, path: str, to: str) -> None:
        """Put a file, or a whole folder, in its place, in one step that is done or not."""
        there, name = self._made(to)
        here, old = self._parent(path)
        os.replace(
            here.prefix + old, there.prefix + name, src_dir_fd=here.descriptor, dst_dir_fd=there.descriptor
        )

    def remove(self, path: str) -> None:
        """Remove a file, or a link itself."""
        place, name = self._parent(path)
        os.unlink(place.prefix + name, dir_fd=place.descriptor)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        self.leave()
        place, name = self._parent(path)
        os.rmdir(place.prefix + name, dir_fd=place.descriptor)

    def remove_emptied(self, path: str) -> None:
        """Remove a folder and those above it that nothing is left in, but never the output folder."""
        with contextlib.suppress(OSError):
            while path:
                self.remove_folder(path)
                path = path.rpartition("/")[0]

    def clear(self, path: str) -> None:
        """Remove a folder with everything in it; of a link, only the link."""
        for name, kind in self.names(path).items():
            if kind == FOLDER:
                self.clear(f"{path}/{name}")
                self.remove_folder(f"{path}/{name}")
            else:
                self.remove(f"{path}/{name}")

    def remove_empty_folders(self, path: str) -> None:
        """Remove the folders below a path that nothing is in, as a run that was killed leaves them."""
        for name, kind in self.names(path).items():
            if kind == FOLDER:
                self.remove_empty_folders(f"{path}/{name}")
                with contextlib.suppress(OSError):
                    self.remove_folder(f"{path}/{name}")

    def leave(self) -> None:
        """Forget which folders are open and what they hold."""
        for place in self._places.values():
            if place.descriptor is not None:
                os.close(place.descriptor)
        self._places.clear()
        self._listed.clear()

    def _kind_of(self, path: str) -> str | Obstacle | None:
        """FILE, FOLDER, LINK or OTHER; None where there is nothing, and what is in the way above."""
        parent, _, name = path.rpartition("/")
        if not parent:  # the output folder is large, and is not listed for one model
            return self._kind_now(path)
        names = self._names_in(parent)
        if isinstance(names, Obstacle) or name in names:
            return names if isinstance(names, Obstacle) else names[name]
        other = next((each for each in names if each.casefold() == name.casefold()), None)
        return None if other is None else differs_in_case(f"{parent}/{other}", path)

    def _kind_now(self, path: str) -> str | None:
        try:
            place, name = self._parent(path)
            found = os.stat(place.prefix + name, dir_fd=place.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return _kind_of_mode(found.st_mode)

    def _names_in(self, path: str) -> dict[str, str] | Obstacle:
        known = self._listed.get(path)
        if known is None:
            kind = self._kind_of(path)
            if kind is None or kind == FOLDER:
                known = self.names(path) if kind else {}
            else:
                known = Obstacle(f"`{path}` is {kind}", path) if isinstance(kind, str) else kind
            self._listed[path] = known
        return known

    def _content(self, path: str) -> bytes:
        place, name = self._parent(path)
        descriptor = os.open(place.prefix + name, _READ, dir_fd=place.descriptor)
        try:
            content = os.read(descriptor, _AT_ONCE)
            while more := os.read(descriptor, _AT_ONCE):
                content += more
            return content
        finally:
            os.close(descriptor)

    def _parent(self, path: str) -> tuple[_Place, str]:
        parent, _, name = path.rpartition("/")
        return self._places.get(parent) or self._entered(parent), name

    def _made(self, path: str) -> tuple[_Place, str]:
        """The folder that this path is in, which is made where it is missing, and the last name."""
        parent, _, name = path.rpartition("/")
        place = self._places.get(parent) if parent else self._entered("")
        if place is None:
            place, entered = self._entered(""), ""
            for step in parent.split("/"):
                entered = f"{entered}/{step}" if entered else step
                if entered not in self._places:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(place.prefix + step, dir_fd=place.descriptor)  # from a descriptor
                place = self._entered(entered)
        return place, name

    def _entered(self, path: str) -> _Place:
        """A folder as one that names are looked up from; OSError where a link or no folder is on the way."""
        known = self._places.get(path)
        if known is not None:
            return known
        if len(self._places) > _MOST_OPEN:
            self.leave()
        place = self._places.get("") or self._enter("", os.fspath(self._path), _Place(None))
        entered = ""
        for step in path.split("/") if path else ():
            entered = f"{entered}/{step}" if entered else step
            place = self._places.get(entered) or self._enter(entered, step, place)
        return place

    def _enter(self, path: str, name: str, above: _Place) -> _Place:
        whole = above.prefix + name
        if _HAS_DESCRIPTORS:
            place = _Place(os.open(whole, _ENTER, dir_fd=above.descriptor))
        elif _is_folder(whole):
            place = _Place(None, f"{whole}{os.sep}")
        else:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), whole)
        self._places[path] = place
        return place


def _is_folder(path: str) -> bool:
    # Windows has junctions, and Python knows them since 3.12.
    is_junction = getattr(os.path, "isjunction", lambda path: False)  # noqa: ARG005  # none where unknown
    return stat.S_ISDIR(os.lstat(path).st_mode) and not is_junction(path)


def _kind_of_entry(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):
        return FILE
    if entry.is_dir(follow_symlinks=False):
        return FOLDER
    return LINK if entry.is_symlink() else OTHER


def _kind_of_mode(mode: int) -> str:
    known = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK}
    return known.get(stat.S_IFMT(mode), OTHER)
