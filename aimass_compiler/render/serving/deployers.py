"""Deployers that the cluster would not know, and those that are everybody."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding, Path
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Account, Deployer
from aimass_compiler.render.naming import is_dns_label, is_dns_name

EXPLANATIONS = (
    Explanation(
        "AM416",
        "everybody could apply",
        "`environments.NAME.deployer` in aimass.yaml says who may change what serves there. "
        "`system:authenticated` is everyone with any token of the cluster, every pod included, and "
        "`system:unauthenticated` and `system:anonymous` are everyone who reaches it. Name the identities "
        "that apply.",
    ),
)

#: Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
_EVERYBODY = frozenset(
    ("system:authenticated", "system:unauthenticated", "system:anonymous", "system:serviceaccounts")
)
_SETTINGS = conventions.SETTINGS_FILE


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Who applies by a name that no binding takes, or that is no name of anyone in particular."""
    for name, environment in pipeline.settings.environments.items():
        path, deployer = ("environments", name, "deployer"), environment.deployer
        if isinstance(deployer, tuple):
            for place, each in enumerate(deployer):
                yield from _deployer(each, (*path, place))
        elif deployer is not None:
            yield from _deployer(deployer, path)


def _deployer(deployer: Deployer, path: Path) -> Iterator[Finding]:
    if deployer.service_account is not None:
        yield from _account(deployer.service_account, (*path, "service_account"))
    for key, name in (("user", deployer.user), ("group", deployer.group)):
        if name in _EVERYBODY:
            told, hint = f"everybody is `{name}`, and could apply", "name the identity of your CI"
            yield Finding("AM416", (*path, key), told, help=hint, file=_SETTINGS)


def _account(account: Account, path: Path) -> Iterator[Finding]:
    if not is_dns_name(account.name):
        told = f"`{account.name}` cannot be the name of a ServiceAccount"
        yield Finding("AM414", (*path, "name"), told, help="write it like `aimass`", file=_SETTINGS)
    if account.namespace is not None and not is_dns_label(account.namespace):
        told = f"`{account.namespace}` cannot be the name of a namespace"
        yield Finding("AM414", (*path, "namespace"), told, help="write it like `ci`", file=_SETTINGS)
