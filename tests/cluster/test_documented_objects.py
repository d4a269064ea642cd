"""A real API server takes the objects of other programs that pages ask readers to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from scripts.cluster import custom_resources
from tests.documentation.blocks import PAGES, Block, blocks

if TYPE_CHECKING:
    from scripts.cluster.cluster import Cluster

pytestmark = pytest.mark.cluster
HERE = "tests/cluster/test_documented_objects.py"
OBJECTS = [each for page in PAGES for each in blocks(page) if each.run_by == HERE]


@pytest.mark.parametrize("block", OBJECTS, ids=lambda block: block.page.stem)
def test_an_object_is_accepted(block: Block, cluster: Cluster) -> None:
    made = yaml.safe_load(block.text)
    if made["apiVersion"].startswith("gateway.networking.k8s.io/"):
        cluster.define(custom_resources.every_one(custom_resources.GATEWAY))
    cluster.namespaces(made["metadata"]["namespace"])
    done = cluster.try_kubectl("apply", "--server-side", "--dry-run=server", "-f-", given=block.text)
    assert done.returncode == 0, done.stderr
