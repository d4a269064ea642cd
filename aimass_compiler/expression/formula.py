"""Formulas that a spec writes as text: a small part of Python's expression grammar, never executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic_core import PydanticCustomError, core_schema

from aimass_compiler.expression.algebra import (
    Arithmetic,
    AsNumber,
    Comparison,
    Constant,
    Expression,
    Function,
    IsMissing,
    Logical,
    Not,
)

_LONGEST = 1000
_BINARY: dict[type[ast.operator], Any] = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_FUNCTIONS: dict[str, Any] = {"log": "log", "abs": "absolute", "sqrt": "square_root", "floor": "floor"}
_QUOTED = re.compile(r"`([^`]+)`")


class Formula(str):
    """A formula over columns; a column whose name is not a word stands between backquotes."""

    __slots__ = ()
    example: ClassVar[str] = "tenure >= 0 and not missing(plan)"

    @classmethod
    def read(cls, value: Any) -> Formula:
        """The formula, once it is known to be one."""
        if not isinstance(value, str):
            raise PydanticCustomError("formula", "{shown} is not a formula such as `{example}`", _told(value))
        formula = cls(value)
        try:
            _check(formula._tree())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            raise PydanticCustomError(
                "formula", "{shown} is not a formula: {reason}", {**_told(value), "reason": reason or "too deep"}
            ) from None
        return formula

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, in order of appearance."""
        tree = self._tree()
        functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions]
        ordered = sorted(names, key=lambda node: (node.lineno, node.col_offset))
        return tuple(dict.fromkeys(self._column(node.id) for node in ordered))

    def over(self, table: Mapping[str, Expression]) -> Expression:
        """The expression, with each column replaced by what computes it."""
        return _Translation(table, self._column).visit(self._tree())

    def _quoted(self) -> list[str]:
        return _QUOTED.findall(self)

    def _column(self, name: str) -> str:
        return self._quoted()[int(name.removeprefix("_quoted_"))] if name.startswith("_quoted_") else name

    def _tree(self) -> ast.expr:
        if len(self) > _LONGEST:
            raise ValueError(f"it has {len(self)} characters, more than {_LONGEST}")
        numbers = iter(range(len(self)))
        text = _QUOTED.sub(lambda _: f"_quoted_{next(numbers)}", self)
        return ast.parse(text.strip(), mode="eval").body

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


def _told(value: Any) -> dict[str, Any]:
    return {"shown": f"`{str(value)[:80]}`", "example": Formula.example}


def _check(node: ast.AST) -> None:
    """Raises ValueError for anything but the operators of the algebra."""
    _Translation({}, str, checks_only=True).visit(node)


class _Translation(ast.NodeVisitor):
    """Python's syntax tree, node by node, into the algebra."""

    def __init__(self, table: Mapping[str, Expression], column: Callable[[str], str], *, checks_only: bool = False) -> None:
        self.table = table
        self.column = column
        self.checks_only = checks_only

    def visit(self, node: ast.AST) -> Expression:
        found: Expression = super().visit(node)
        return found

    def generic_visit(self, node: ast.AST) -> Expression:
        raise ValueError(f"`{ast.unparse(node)}` is more than a formula may hold")

    def visit_Constant(self, node: ast.Constant) -> Expression:  # noqa: N802  # ast's own name
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
            return self.generic_visit(node)
        return Constant(node.value if isinstance(node.value, str) else float(node.value))

    def visit_Name(self, node: ast.Name) -> Expression:  # noqa: N802  # ast's own name
        return Constant(0.0) if self.checks_only else self.table[self.column(node.id)]

    def visit_BinOp(self, node: ast.BinOp) -> Expression:  # noqa: N802  # ast's own name
        operator = _BINARY.get(type(node.op))
        if operator is None:
            return self.generic_visit(node)
        left, right = _number(self.visit(node.left)), _number(self.visit(node.right))
        if operator == "divide" and isinstance(right, Constant) and not isinstance(right.value, str):
            if right.value == 0:
                raise ValueError("it divides by 0")
            # Engines do not divide many rows by a constant alike; multiplying they do.
            return Arithmetic("multiply", left, Constant(1 / right.value))
        return Arithmetic(operator, left, right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Expression:  # noqa: N802  # ast's own name
        of = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return Not(of)
        if isinstance(node.op, ast.USub):
            is_number = isinstance(of, Constant) and not isinstance(of.value, str)
            return Constant(-of.value) if is_number else Arithmetic("multiply", _number(of), Constant(-1.0))  # type: ignore[attr-defined,operator]  # a number constant
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> Expression:  # noqa: N802  # ast's own name
        sides = [self.visit(side) for side in (node.left, *node.comparators)]
        claims: list[Expression] = []
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if type(operator) not in _COMPARE:
                return self.generic_visit(node)
            claims.append(Comparison(_COMPARE[type(operator)], left, right))
        return _joined("and", claims)

    def visit_BoolOp(self, node: ast.BoolOp) -> Expression:  # noqa: N802  # ast's own name
        return _joined("and" if isinstance(node.op, ast.And) else "or", [self.visit(value) for value in node.values])

    def visit_Call(self, node: ast.Call) -> Expression:  # noqa: N802  # ast's own name
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in (*_FUNCTIONS, "missing") or len(node.args) != 1 or node.keywords:
            known = ", ".join(f"{known}()" for known in (*_FUNCTIONS, "missing"))
            raise ValueError(f"`{ast.unparse(node)}` is none of {known} of one value")
        of = self.visit(node.args[0])
        return IsMissing(of) if name == "missing" else Function(_FUNCTIONS[name], _number(of))


def _joined(operator: Any, claims: list[Expression]) -> Expression:
    first, *others = claims
    for other in others:
        first = Logical(operator, first, other)
    return first


def _number(expression: Expression) -> Expression:
    return AsNumber(expression) if expression.type.name in ("boolean", "index") else expression
