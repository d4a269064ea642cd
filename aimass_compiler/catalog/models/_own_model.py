"""What models of the user's own have in common, whatever trains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from aimass_compiler.catalog.examples import Matrix, Read
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.catalog.project_code import Hyperparameter


class OwnModel(Model):
    """A model that is code of the project, with hyperparameters that this code knows."""

    library: ClassVar[Framework] = Framework(module="onnx", extra="run")
    examples: ClassVar[Read] = Matrix(categorical="dense")
    bytes_a_number: ClassVar[float] = 4.0

    if TYPE_CHECKING:  # each declares them itself, where they stand in the schema

        @property
        def parameters(self) -> Mapping[str, Hyperparameter]: ...

        @property
        def missing_values(self) -> bool: ...

    @property
    def takes_missing(self) -> bool:
        return self.missing_values

    def with_values(self, values: Mapping[str, Any]) -> Self:
        return type(self).model_validate(self.model_dump() | {"parameters": {**self.parameters, **values}})
