"""Formulas that a spec writes as text: a small part of Python's expression grammar, never executed."""

from __future__ import annotations

import ast
import itertools
import math
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from pydantic_core import PydanticCustomError, core_schema

from aimass_compiler.expression.algebra import (
    Arithmetic,
    AsNumber,
    Column,
    Comparison,
    Constant,
    Expression,
    Function,
    IsMissing,
    Logical,
    Not,
    Where,
)
from aimass_compiler.expression.column_types import BOOLEAN, NUMBER, UNKNOWN, ColumnType, Index

_LONGEST = 1000
_DEEPEST = 100
_BINARY: dict[type[ast.operator], Any] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}
_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_FUNCTIONS: dict[str, Any] = {"log": "log", "abs": "absolute", "sqrt": "square_root", "floor": "floor"}
#: What is written elsewhere, and here is no syntax at all.
_SLIPS = {
    r"[\u2018-\u201f]": "these quotes are typographic; write ' or \"",
    r"&&": "`&&` is written `and`",
    r"\|\|": "`||` is written `or`",
    r"!(?!=)": "`!` is written `not`",
    r"<>": "`<>` is written `!=`",
    r"(?<![=!<>])=(?!=)": "`=` is written `==`, which compares",
    r"(?i)\bis\s+(not\s+)?null\b": "what has no value is `missing(…)`",
}
_QUOTED = re.compile(r"`([^`]+)`")


class Formula(str):
    """A formula over columns; a column whose name is not a word stands between backquotes."""

    __slots__ = ()
    example: ClassVar[str] = "tenure >= 0 and not missing(plan)"

    @classmethod
    def read(cls, value: Any) -> Formula:
        """The formula, once it is known to be one."""
        if not isinstance(value, str):
            raise PydanticCustomError(
                "formula", "{shown} is not a formula such as `{example}`", _described(value)
            )
        formula = cls(value)
        reason = formula.problem(defaultdict(lambda: UNKNOWN))
        if reason is not None:
            raise PydanticCustomError(
                "formula", "{shown} is not a formula: {reason}", {**_described(value), "reason": reason}
            )
        return formula

    def problem(self, types: Mapping[str, ColumnType], result: str = "") -> str | None:
        """Why it cannot be computed over columns of these types; None when it can.

        `result` is what it must give, "number" or "claim", where that matters.
        """
        found = self.meaning(types, result)
        return found if isinstance(found, str) else None

    def meaning(self, types: Mapping[str, ColumnType], result: str = "") -> Expression | str:
        """The expression over columns of these types, or why there is none that gives `result`."""
        try:
            found = self.over({name: Column(name, types[name]) for name in self.columns})
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            message = self._slip() or error.msg if isinstance(error, SyntaxError) else str(error)
            return message or "it is nested too deep"
        if result == "claim" and not _is_claim(found):
            return f"it gives {found.type}, not something that is true or false; compare it with something"
        if result == "number" and found.type.is_string:
            return f"it gives {found.type}, not a number"
        return found

    def _slip(self) -> str:
        """What of other languages stands in it, and what is written instead; empty when nothing is known."""
        unquoted = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "''", self)
        return next((message for pattern, message in _SLIPS.items() if re.search(pattern, unquoted)), "")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, in order of appearance."""
        return _columns(self)

    def _read_columns(self) -> tuple[str, ...]:
        tree = self._tree()
        functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions]
        ordered = sorted(names, key=lambda node: (node.lineno, node.col_offset))
        return tuple(dict.fromkeys(self._column(node.id) for node in ordered))

    def over(self, table: Mapping[str, Expression]) -> Expression:
        """The expression, with each column replaced by what computes it.

        Raises ValueError for what the algebra does not have, and for operands that do not go together.
        """
        return _Translation(table, self._column).visit(self._tree())

    def _quoted(self) -> list[str]:
        return _QUOTED.findall(self)

    @property
    def _stand_in(self) -> str:
        """How the names begin that stand for quoted columns while Python parses; unlike any in the text."""
        start = "_quoted_"
        while start in self:
            start += "_"
        return start

    def _column(self, name: str) -> str:
        start = self._stand_in
        return self._quoted()[int(name.removeprefix(start))] if name.startswith(start) else name

    def _tree(self) -> ast.expr:
        if len(self) > _LONGEST:
            raise ValueError(f"it has {len(self)} characters, more than {_LONGEST}")
        numbers = itertools.count()
        return _parsed(_QUOTED.sub(lambda _: f"{self._stand_in}{next(numbers)}", self).strip())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            cls.read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        del schema, handler
        return {"type": "string", "examples": [cls.example]}


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.expr:
    """The syntax tree, which nobody changes."""
    tree = ast.parse(text, mode="eval").body
    if _depth(tree) > _DEEPEST:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
    return tree


@lru_cache(maxsize=1024)
def _columns(formula: Formula) -> tuple[str, ...]:
    """The columns of a formula, which decoding, checking and lowering ask for again and again."""
    return formula._read_columns()  # noqa: SLF001  # the cache belongs to the class; a string has no room for it


def _described(value: Any) -> dict[str, Any]:
    return {"shown": f"`{str(value)[:80]}`", "example": Formula.example}


def _depth(tree: ast.AST) -> int:
    """How deep a tree is, found level by level because a deep one would exhaust the stack."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


class _Translation(ast.NodeVisitor):
    """Python's syntax tree, node by node, into the algebra."""

    def __init__(self, table: Mapping[str, Expression], column: Callable[[str], str]) -> None:
        self.table = table
        self.column = column

    def visit(self, node: ast.AST) -> Expression:
        found: Expression = super().visit(node)
        return found

    def generic_visit(self, node: ast.AST) -> Expression:
        raise ValueError(f"`{ast.unparse(node)}` is more than a formula may hold")

    def visit_Constant(self, node: ast.Constant) -> Expression:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
            return self.generic_visit(node)
        if isinstance(node.value, str):
            return Constant(node.value)
        if not abs(node.value) <= sys.float_info.max:
            raise ValueError("it holds a number that is too large")
        return Constant(float(node.value))

    def visit_Name(self, node: ast.Name) -> Expression:
        return self.table[self.column(node.id)]

    def visit_BinOp(self, node: ast.BinOp) -> Expression:
        operator = _BINARY.get(type(node.op))
        if operator is None:
            return self.generic_visit(node)
        left, right = self._number(node.left), self._number(node.right)
        if operator == "divide" and isinstance(right, Constant) and not isinstance(right.value, str):
            if right.value == 0 or math.isinf(1 / right.value):
                raise ValueError("it divides by 0")
            # Engines do not divide many rows by a constant alike; multiplying they do.
            return Arithmetic("multiply", left, Constant(1 / right.value))
        return Arithmetic(operator, left, right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Expression:
        if isinstance(node.op, ast.Not):
            return Not(self._claim(node.operand))
        if not isinstance(node.op, ast.USub):
            return self.generic_visit(node)
        of = self._number(node.operand)
        if isinstance(of, Constant) and not isinstance(of.value, str):
            return Constant(-of.value)
        return Arithmetic("multiply", of, Constant(-1.0))

    def visit_Compare(self, node: ast.Compare) -> Expression:
        written = (node.left, *node.comparators)
        claims = [
            self._comparison(operator, left, right)
            for operator, left, right in zip(node.ops, written, written[1:], strict=False)
        ]
        return _joined("and", claims)

    def _comparison(self, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> Expression:
        known = _COMPARE.get(type(operator))
        if known is None:
            instead = (
                "; what has no value is `missing(…)`" if isinstance(operator, (ast.Is, ast.IsNot)) else ""
            )
            raise ValueError(f"it compares by more than < <= > >= == !={instead}")
        sides = self.visit(left), self.visit(right)
        if Constant("") in sides:
            raise ValueError('nothing equals "", which is missing; write missing(column)')
        if all(side.type.is_string or side.type == UNKNOWN for side in sides):
            if known not in ("==", "!=") and any(side.type.is_string for side in sides):
                raise ValueError(f"`{ast.unparse(left)}` has no order, so it is compared by == or != only")
            return Comparison(known, *sides)
        return Comparison(known, self._number(left), self._number(right))

    def visit_BoolOp(self, node: ast.BoolOp) -> Expression:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        return _joined(operator, [self._claim(value) for value in node.values])

    def visit_Call(self, node: ast.Call) -> Expression:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in (*_FUNCTIONS, "missing") or len(node.args) != 1 or node.keywords:
            known = ", ".join(f"{known}()" for known in (*_FUNCTIONS, "missing"))
            raise ValueError(f"`{ast.unparse(node)}` is none of {known} of one value")
        if name != "missing":
            return Function(_FUNCTIONS[name], self._number(node.args[0]))
        of = self.visit(node.args[0])
        if of.type == BOOLEAN:
            raise ValueError(f"`{ast.unparse(node.args[0])}` is true or false, never missing")
        return IsMissing(of)

    def _number(self, node: ast.expr) -> Expression:
        found = self.visit(node)
        if isinstance(found.type, Index):
            return Where(IsMissing(found), Constant(math.nan), AsNumber(found))
        if found.type == BOOLEAN:
            return AsNumber(found)
        if found.type not in (NUMBER, UNKNOWN):
            raise ValueError(f"`{ast.unparse(node)}` is {found.type} where a number is needed")
        return found

    def _claim(self, node: ast.expr) -> Expression:
        found = self.visit(node)
        if not _is_claim(found):
            raise ValueError(
                f"`{ast.unparse(node)}` is {found.type} where something true or false is needed; compare it"
            )
        return found


def _is_claim(expression: Expression) -> bool:
    return expression.type in (BOOLEAN, UNKNOWN)


def _joined(operator: Any, claims: list[Expression]) -> Expression:
    first, *others = claims
    for other in others:
        first = Logical(operator, first, other)
    return first
