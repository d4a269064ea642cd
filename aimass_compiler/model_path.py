"""What names a model in files and on the command line: its name, behind its team where it has one.

`growth/churn` is the model of `specs/growth/churn.yaml`, and `churn` that of `specs/churn.yaml`. Its name,
`churn` in both, is what Kubernetes objects and metrics call it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself costs as much as all else here
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

#: How many folders a spec may lie in, below specs/.
DEEPEST = 1


def path_of(team: str, name: str) -> str:
    """The path of a model; `team` is empty where it has none."""
    return f"{team}/{name}" if team else name


def name_of(path: str) -> str:
    """The name of a model by its path."""
    return path.rpartition("/")[2]


def team_of(path: str) -> str:
    """The team of a model by its path; empty where it has none."""
    return path.rpartition("/")[0]


def depth(path: str) -> int:
    """How many folders a model's folder lies below that of all models: one or two."""
    return len(path.split("/"))


def beside(model: str, name: str) -> str:
    """The path of the model that the spec of a model means by a name: it is of the same team."""
    return path_of(team_of(model), name)


def root_from(model: str) -> str:
    """The way up from the folder that a model's folder is in, such as generated/growth."""
    return "/".join([".."] * depth(model))


def called(written: str, known: Iterable[str]) -> list[str]:
    """The models that somebody may mean: the one of this path, or else all of this name."""
    paths = list(known)
    if written in paths:
        return [written]
    return sorted(path for path in paths if name_of(path) == written)


def owner_of(path: str, models: Collection[str]) -> str:
    """The model whose folder a file is in, by the file's path in the folder of all models.

    Of what belongs to none of them, it is the first folder on the way; empty for what lies in none.
    """
    first, slash, rest = path.partition("/")
    if not slash:
        return ""
    if not models:
        return first
    second, slash, _ = rest.partition("/")
    whole = f"{first}/{second}"
    return whole if slash and whole in models else first
