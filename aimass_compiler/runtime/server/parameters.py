"""Parameters of a request, of its tensors and of its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler.runtime.server.answer import RequestError, shown

#: Those of other servers that ask for other data or another answer: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/README.html
_ANOTHER_MEANING = (
    "classification",
    "shared_memory_region", "shared_memory_offset", "shared_memory_byte_size",
    "sequence_id", "sequence_start", "sequence_end",
)  # fmt: skip
_NONE: Mapping[str, Any] = {}


def parameters_of(holder: Mapping[str, Any], whose: str) -> Mapping[str, Any]:
    """The `parameters` of a part of a request; those that are not known and change nothing may stand there.

    Raises RequestError (400) for what is no object, and for those that would change what is meant.
    """
    found = holder.get("parameters")
    if found is None:
        return _NONE
    if not isinstance(found, dict):
        raise RequestError(400, f"`parameters` of {whose} must be an object, not {shown(found)}")
    for name in _ANOTHER_MEANING:
        if name in found:
            raise RequestError(400, f"the parameter `{name}` of {whose} is not supported")
    return found


def flag(found: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    """A parameter that is true or false; raises RequestError (400) where it is neither."""
    value = found.get(name, otherwise)
    if not isinstance(value, bool):
        raise RequestError(400, f"`{name}` must be true or false, not {shown(value)}")
    return value
