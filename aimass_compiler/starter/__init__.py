"""A data file into a first spec: columns observed, a contract inferred, and the text that explains it."""

from aimass_compiler.starter.creating import create
from aimass_compiler.starter.deciding import Wanted
from aimass_compiler.starter.proposing import propose

__all__ = ["Wanted", "create", "propose"]
