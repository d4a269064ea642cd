"""A data file into a first spec: columns observed, a contract inferred, and the text that explains it."""

from aimass_compiler.starter.decisions import InitOptions
from aimass_compiler.starter.proposal import create, propose, taken

__all__ = ["InitOptions", "create", "propose", "taken"]
