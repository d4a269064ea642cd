"""Expressions of policies: CEL, asked by the CEL project's own library.

Source: https://github.com/google/cel-spec, and for the library https://github.com/cel-expr/cel-python
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.quantities import Bytes, Cores, Duration, Percentage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What an expression may name.
VARIABLES = ("pipeline", "here", "environment", "team")
#: Turn an amount, as it is written in a spec, into a number.
_AMOUNTS: dict[str, Callable[[str], float]] = {
    "seconds": lambda text: float(Duration.read(text).seconds),
    "memory": lambda text: float(Bytes.read(text).size),
    "cores": lambda text: float(Cores.read(text).amount),
    "percent": lambda text: float(Percentage.read(text).percent),
}
#: The types of a claim: of what is inside `pipeline`, only a value says its type.
_CLAIMS = ("BOOL", "DYN")
#: The type of what has no value.
_ERROR = "ERROR"
#: What the library says before and behind what is wrong.
_STATUS = re.compile(r"^[A-Z_]+: (ERROR: )?|<input>:| \[[A-Z_]+\]$")
#: Behind a name that there is not.
_IN_NOTHING = " (in container '')"
#: Where it is, by line and column.
_PLACE = re.compile(r"^([0-9]+):([0-9]+): ")


class ExpressionError(Exception):
    """An expression that cannot be read, or not be asked of this model; the message says why."""


def checked(text: str) -> None:
    """Read an expression and see that it is a claim. Raises ExpressionError."""
    answer = _compiled(text).return_type().name()
    if answer not in _CLAIMS:
        raise ExpressionError(f"its value is of type {answer.lower()}, and a claim is true or false")


def asked(text: str, known: Mapping[str, Any]) -> bool:
    """Whether a claim is true of what is known. Raises ExpressionError."""
    try:
        value = _compiled(text).eval(data=dict(known))
    except RuntimeError as error:  # such as too many rounds of `all` in `all`
        raise ExpressionError(_first_line(str(error))) from None
    answer = value.value()
    if value.type().name() == _ERROR:
        raise ExpressionError(_first_line(str(answer)))
    if not isinstance(answer, bool):
        raise ExpressionError("its value is neither true nor false")
    return answer


@cache
def _compiled(text: str) -> Any:
    try:
        return _environment().compile(text)
    except RuntimeError as error:
        raise ExpressionError(_first_line(str(error))) from None


@cache
def _environment() -> Any:
    try:
        from cel_expr_python import cel
    except ImportError:
        message = "an expression needs cel-expr-python: `pip install aimass-compiler[policies]`"
        raise ExpressionError(message) from None
    text, number = cel.Type.STRING, cel.Type.DOUBLE
    functions = [
        cel.FunctionDecl(
            name, [cel.Overload(id=f"{name}_of", return_type=number, parameters=[text], impl=read)]
        )
        for name, read in _AMOUNTS.items()
    ]
    tree = cel.Type.Map(text, cel.Type.DYN)
    variables = dict(zip(VARIABLES, (tree, tree, text, text), strict=True))
    return cel.NewEnv(variables=variables, functions=functions)


def _first_line(message: str) -> str:
    line = _STATUS.sub("", message.strip().partition("\n")[0]).partition(" expecting {")[0]
    known = f"; it may name {', '.join(VARIABLES)}" if line.endswith(_IN_NOTHING) else ""
    return _PLACE.sub(r"at its column \2: ", line.removesuffix(_IN_NOTHING))[:300] + known
