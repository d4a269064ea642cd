"""What accelerators an environment has: how much memory, how many for one server, and what an hour costs."""

from __future__ import annotations

import re

from pydantic import Field

from aimass_compiler.catalog.quantities import Frozen, Integer, Memory, Number, is_absent

#: A name with a DNS prefix, as labels and resources have it.
_RESOURCE = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"

#: The name of an object, as DNS has subdomains.
_NAME = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
#: Dense peaks in 16-bit floats, 10^12 operations a second, as the makers' data sheets have them, by the word
#: that labels and names have in common.
_PEAKS = {
    "t4": 65, "v100": 125, "a10": 125, "l4": 121, "a30": 165, "l40": 181, "l40s": 362, "a100": 312,
    "h100": 989, "h200": 989, "b200": 2250, "mi250": 362, "mi300x": 1307,
}  # fmt: skip


class Accelerator(Frozen):
    """The accelerator of one server or one worker of a language model."""

    name: str = Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    """What the cluster's nodes are labelled with, such as `nvidia-l4`."""
    memory: Memory
    """The memory of one."""
    count: Integer = Field(1, ge=1, le=64)
    """How many one server has; its weights and its cache are split over them."""
    hourly: Number | None = Field(None, ge=0, le=1e6, exclude_if=is_absent)
    """What one costs in an hour, in the currency of `prices` in aimass.yaml."""
    teraflops: Number | None = Field(None, gt=0, le=1e6, exclude_if=is_absent)
    """Its dense peak in 16-bit floats, 10^12 operations a second, for estimates of training time; known for
    the usual names."""
    resource: str = Field("nvidia.com/gpu", pattern=_RESOURCE)
    """What pods ask for, where no `device_class` is named."""
    label: str | None = Field(None, pattern=_RESOURCE, exclude_if=is_absent)
    """The label whose value on the nodes is `name`, so that servers run on these alone."""
    device_class: str | None = Field(None, max_length=253, pattern=_NAME, exclude_if=is_absent)
    """The DeviceClass by which Kubernetes allocates it, such as `gpu.nvidia.com`; servers then claim devices
    (Dynamic Resource Allocation, Kubernetes 1.34)."""

    @property
    def peak(self) -> float | None:
        """Its dense peak in 10^12 operations a second; None where it is neither written nor known."""
        words = re.split(r"[-_.]", self.name.lower())
        return self.teraflops or next((float(_PEAKS[word]) for word in words if word in _PEAKS), None)
