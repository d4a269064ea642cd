"""Which platform runs the servers that a spec describes."""

from __future__ import annotations

from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.serving import inference_service, llm_inference_service, several_nodes, workload
from aimass_compiler.render.serving.platforms import KSERVE
from aimass_compiler.render.serving.server_platform import ServerPlatform


def platform_of(serving: Serving) -> ServerPlatform:
    """The platform, by what a spec says and by what its model writes."""
    if serving.target == KSERVE:
        return llm_inference_service.PLATFORM if serving.is_of_text else inference_service.PLATFORM
    return workload.PLATFORM if serving.nodes is None else several_nodes.PLATFORM
