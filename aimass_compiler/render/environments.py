"""What Kubernetes refuses or shares of environments: names, labels, namespaces, hosts, and who deploys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.deployer import Account, Deployer
from aimass_compiler.pipeline.gitops import RELEASE_APART
from aimass_compiler.pipeline.override_locations import written
from aimass_compiler.pipeline.serving import Gateway
from aimass_compiler.render import pod_findings
from aimass_compiler.render.names import (
    is_dns_label,
    is_dns_name,
    is_label_key,
    is_label_value,
    stays_text,
)
from aimass_compiler.render.rights import account_of

_FOLLOWED = "repository: {url: https://github.com/acme/models}\nengine: flux\nenvironments: "
EXPLANATIONS = (
    Explanation(
        "AM297",
        "an engine would apply with all of its rights",
        "Flux acts as a ServiceAccount of the namespace that it applies to, which has the rights of "
        "`access.yaml` and no others. Where `deployer` names only users, groups, or ServiceAccounts of other "
        "namespaces, there is none for it, and it applies as itself, which usually may do anything: what is "
        "merged for one team could change another team's. Add `service_account: {}` to `deployer`.",
    ),
    Explanation(
        "AM413",
        "this is not a label that Kubernetes takes",
        "Labels in aimass.yaml are put on objects as they are. A key is a name of up to 63 letters, digits, "
        "`-`, `_` and `.`, with an optional DNS prefix and `/`; a value is such a name or empty. A key that "
        "reads as a number, a flag or a date (`1`, `true`) does not survive Kustomize. Labels that the "
        "compiler sets itself cannot be replaced: selectors and clean-up rest on them.",
    ),
    Explanation(
        "AM414",
        "this is not a name that Kubernetes takes",
        "Environments and namespaces are DNS labels: up to 63 small letters, digits and `-`, and a letter "
        "or digit at both ends. Gateways, hosts and ServiceAccounts may be several of them with dots "
        "between, and a host may start with `*.`.",
    ),
    Explanation(
        "AM415",
        "two environments are one place",
        "Objects have the same names in every environment, so two environments with one namespace on one "
        "cluster would overwrite each other, and two routes with one host at one gateway would fight for "
        "the requests. Give each its own namespace and host, or write the clusters' addresses as `server` "
        "where they differ.",
    ),
    Explanation(
        "AM416",
        "everyone could apply",
        "`environments.NAME.deployer`, `oncall` and `trainer` in aimass.yaml say who may change what is "
        "there. `system:authenticated` is everyone with any token of the cluster, every pod included, and "
        "`system:unauthenticated` and `system:anonymous` are everyone who reaches it. Name the identities "
        "that apply, and the people who are on call.",
    ),
)
EXAMPLES = (
    Example(
        "AM297",
        _FOLLOWED + "{dev: {deployer: {user: runner}}}\n",
        _FOLLOWED + "{dev: {deployer: [{user: runner}, {service_account: {}}]}}\n",
        "settings",
    ),
    Example("AM413", "labels: {team: growth team}\n", "labels: {team: growth-team}\n", "settings"),
    Example(
        "AM414",
        "environments: {dev: {namespace: ML_dev}}\n",
        "environments: {dev: {namespace: ml-dev}}\n",
        "settings",
    ),
    Example(
        "AM415",
        "environments: {dev: {namespace: ml}, prod: {namespace: ml}}\n",
        "environments: {dev: {namespace: ml-dev}, prod: {namespace: ml-prod}}\n",
        "settings",
    ),
    Example(
        "AM416",
        'environments: {prod: {deployer: {group: "system:authenticated"}}}\n',
        'environments: {prod: {deployer: {user: "github:repo:acme/models:environment:prod"}}}\n',
        "settings",
    ),
)

#: Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
_EVERYBODY = frozenset(
    ("system:authenticated", "system:unauthenticated", "system:anonymous", "system:serviceaccounts")
)
_SETTINGS = conventions.SETTINGS_FILE


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Names and labels that the manifests cannot carry, and environments that are not apart."""
    yield from _labels(pipeline)
    yield from _names(pipeline)
    yield from _gateways(pipeline)
    yield from _shared(pipeline)
    yield from _deployers(pipeline)
    yield from _engines(pipeline)
    yield from pod_findings.findings(pipeline)


def _labels(pipeline: Pipeline) -> Iterator[Finding]:
    settings = pipeline.settings
    groups: list[tuple[Path, str, Mapping[str, str]]] = [
        (("labels",), "label", settings.labels),
        (("prometheus", "labels"), "label", settings.prometheus.labels),
    ]
    for name, environment in settings.environments.items():
        of_pods = pod_findings.labels(environment.pods) if environment.pods else ()
        groups += [(("environments", name, "pods", *path), noun, each) for path, noun, each in of_pods]
    for above, noun, labels in groups:
        for key, value in labels.items():
            yield from _label((*above, key), key, value, noun)


def _label(path: Path, key: str, value: str, noun: str) -> Iterator[Finding]:
    if key in conventions.OUR_LABELS:
        message = f"`{key}` is set by the compiler and cannot be replaced"
        yield Finding("AM413", path, message, help="choose another key", at_key=True, file=_SETTINGS)
    elif not is_label_key(key):
        message = f"`{key}` cannot be the key of a{'n' * (noun[0] == 'a')} {noun}"
        hint = "write it like `team` or `example.com/team`"
        yield Finding("AM413", path, message, help=hint, at_key=True, file=_SETTINGS)
    elif not stays_text(key):
        message = f"`{key}` cannot be a key here: Kustomize would read it as something else than text"
        yield Finding("AM413", path, message, help="write it like `team`", at_key=True, file=_SETTINGS)
    elif not is_label_value(value):
        message = f"`{value}` cannot be the value of a label: up to 63 letters, digits, `-`, `_` and `.`"
        yield Finding("AM413", path, message, help="write it like `growth-team`", file=_SETTINGS)


def _names(pipeline: Pipeline) -> Iterator[Finding]:
    for name, environment in pipeline.environments.items():
        path: Path = ("environments", name)
        if not is_dns_label(name):
            message = f"`{name}` cannot be the name of an environment"
            yield Finding("AM414", path, message, help="write it like `dev`", at_key=True, file=_SETTINGS)
        elif not is_dns_label(environment.namespace):
            message = f"`{environment.namespace}` cannot be the name of a namespace"
            yield Finding(
                "AM414", (*path, "namespace"), message, help="write it like `ml-dev`", file=_SETTINGS
            )
    for name, settings in pipeline.settings.environments.items():
        for place, secret in enumerate(settings.secrets):
            if not is_dns_name(secret):
                message, at = (
                    f"`{secret}` cannot be the name of a Secret",
                    ("environments", name, "secrets", place),
                )
                yield Finding("AM414", at, message, help="write it like `lake-reader`", file=_SETTINGS)
    namespace = pipeline.settings.prometheus.namespace
    if not is_dns_label(namespace):
        message = f"`{namespace}` cannot be the name of a namespace"
        yield Finding(
            "AM414", ("prometheus", "namespace"), message, help="write `monitoring`", file=_SETTINGS
        )


def _gateways(pipeline: Pipeline) -> Iterator[Finding]:
    rules: tuple[tuple[str, Callable[[str], bool], str], ...] = (
        ("host", lambda host: is_dns_name(host.removeprefix("*.")), "churn.example.com"),
        ("name", is_dns_name, "gateway"),
        ("namespace", is_dns_label, "gateway-system"),
    )
    for path, gateway in written(pipeline, "serving.gateway"):
        for key, is_right, example in rules if gateway is not None else ():
            value = getattr(gateway, key)
            if not is_right(value):
                message = f"`{value}` cannot be the {key} of a gateway"
                yield Finding("AM414", (*path, key), message, help=f"write it like `{example}`")


def _shared(pipeline: Pipeline) -> Iterator[Finding]:
    """Each pair of environments once; what is not written about a cluster is taken to be the same."""
    clusters = {name: environment.server for name, environment in pipeline.settings.environments.items()}
    for (first, one), (second, other) in combinations(pipeline.environments.items(), 2):
        if clusters.get(first) != clusters.get(second):
            continue
        if one.namespace == other.namespace:
            message = (
                f"`{first}` and `{second}` would overwrite each other in the namespace `{one.namespace}`"
            )
            hint = "give each its own `namespace`, or write each cluster's `server`"
            yield Finding("AM415", ("environments", second), message, help=hint, at_key=True, file=_SETTINGS)
    yield from _one_host(pipeline, clusters)


def _one_host(pipeline: Pipeline, clusters: Mapping[str, str | None]) -> Iterator[Finding]:
    """Environments of one cluster that have one route, all of them at once."""
    sharing: dict[tuple[str | None, Gateway], list[str]] = {}
    for name, environment in pipeline.environments.items():
        gateway = environment.serving.gateway
        if gateway is not None and is_dns_name(gateway.host.removeprefix("*.")):
            sharing.setdefault((clusters.get(name), gateway), []).append(name)
    for (_, gateway), names in sharing.items():
        if len(names) > 1:
            *others, last = (f"`{name}`" for name in names)
            message = f"the routes of {', '.join(others)} and {last} have the one host `{gateway.host}`"
            hint = f"write `environments: {{{names[-1]}: {{serving: {{gateway: {{host: …}}}}}}}}`"
            severity = Severity.WARNING
            yield Finding("AM415", ("serving", "gateway"), message, help=hint, severity=severity, at_key=True)


#: What a role may do, and who should.
_ROLES = {"oncall": ("roll back", "the people on call"), "trainer": ("train", "what trains")}


def _deployers(pipeline: Pipeline) -> Iterator[Finding]:
    """Who applies or rolls back by a name that no binding takes, or that names no one in particular."""
    for name, environment in pipeline.settings.environments.items():
        for key, found in (
            ("deployer", environment.deployer),
            ("oncall", environment.oncall),
            ("trainer", environment.trainer),
        ):
            path = ("environments", name, key)
            if isinstance(found, tuple):
                for place, each in enumerate(found):
                    yield from _deployer(each, (*path, place))
            elif found is not None:
                yield from _deployer(found, path)


def _engines(pipeline: Pipeline) -> Iterator[Finding]:
    """Engines that act as a ServiceAccount of each namespace, and find none."""
    for name, here in pipeline.environments.items():
        settings = pipeline.settings
        if settings.engine_of(name) in RELEASE_APART and account_of(settings, name, here.namespace) is None:
            message = f"Flux finds no ServiceAccount of `{here.namespace}` here, and applies as itself"
            hint = "add `service_account: {}`, for which `access.yaml` has the rights"
            path = ("environments", name, "deployer")
            yield Finding("AM297", path, message, help=hint, severity=Severity.WARNING, file=_SETTINGS)


def _deployer(deployer: Deployer, path: Path) -> Iterator[Finding]:
    if deployer.service_account is not None:
        yield from _account(deployer.service_account, (*path, "service_account"))
    for key, name in (("user", deployer.user), ("group", deployer.group)):
        if name in _EVERYBODY:
            verb, who = next((words for role, words in _ROLES.items() if role in path), ("apply", "your CI"))
            message, hint = f"everyone is `{name}`, and could {verb}", f"name the identity of {who}"
            yield Finding("AM416", (*path, key), message, help=hint, file=_SETTINGS)


def _account(account: Account, path: Path) -> Iterator[Finding]:
    if not is_dns_name(account.name):
        message = f"`{account.name}` cannot be the name of a ServiceAccount"
        yield Finding("AM414", (*path, "name"), message, help="write it like `aimass`", file=_SETTINGS)
    if account.namespace is not None and not is_dns_label(account.namespace):
        message = f"`{account.namespace}` cannot be the name of a namespace"
        yield Finding("AM414", (*path, "namespace"), message, help="write it like `ci`", file=_SETTINGS)
