"""What a model may be called."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

#: A DNS label of at most 40 characters: with our suffixes it still fits every name made from it.
MODEL_NAME = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"
ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME)]
