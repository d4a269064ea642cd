"""Each caller can be known, by one thing, as one caller, where the model is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Explanation, Finding, Severity, did_you_mean
from aimass_compiler.pipeline.override_locations import place_in, written

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.access import Access, Caller

NEEDS = ("serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM540",
        "there is nothing to know a caller by",
        "A caller is known by a key in the Secret that `access.keys` names, by a `token` of one of "
        "`access.issuers`, or by its `certificate`: by one of them. A key without a Secret, a token without "
        "an issuer or an issuer without public keys would refuse the caller every time.",
    ),
    Explanation(
        "AM541",
        "two callers look alike",
        "Whatever shows one of them shows the other, too: they have the same certificate, or every token of "
        "one has the claims of the other. Requests would be charged to one of them and never to the other. "
        "Give each what only it has. Two issuers of one `url` are alike, too: a token does not say which of "
        "them signed it, and only the keys and the audience of one would be looked at.",
    ),
    Explanation(
        "AM542",
        "nothing uses this of `access`",
        "No caller is known by a token of this issuer, or by a key of this Secret. Remove it, or say which "
        "caller it is for.",
    ),
    Explanation(
        "AM543",
        "nothing verifies this certificate",
        "Servers know a certificate by what a proxy says of it, and believe only one that they know: with "
        "`gateway: {implementation: envoy-gateway, credential: SECRET}` of an environment in aimass.yaml the "
        "gateway that adds the credential to each request, with `implementation: istio` the sidecar of the "
        "pod. Without either, the caller is refused.",
    ),
)
_KEYS = "serving: {access: {keys: churn-callers, callers: {shop: {}}}}"
_LOGIN = "login: {url: 'https://login.example.com/', audience: churn, keys: 'https://login.example.com/keys'}"
EXAMPLES = (
    Example("AM540", fails="serving: {access: {callers: {shop: {}}}}", passes=_KEYS),
    Example(
        "AM541",
        fails=f"serving: {{access: {{issuers: {{{_LOGIN}}}, callers: {{"
        "shop: {token: {claims: {azp: web}}}, app: {token: {claims: {azp: web}}}}}}",
        passes=f"serving: {{access: {{issuers: {{{_LOGIN}}}, callers: {{"
        "shop: {token: {claims: {azp: web}}}, app: {token: {claims: {azp: app}}}}}}",
    ),
    Example(
        "AM542",
        fails=f"serving: {{access: {{keys: churn-callers, issuers: {{{_LOGIN}}}, callers: {{shop: {{}}}}}}}}",
        passes=_KEYS,
    ),
    Example(
        "AM543",
        fails="serving: {access: {callers: {scorer: {certificate: 'spiffe://example.com/ns/ml/sa/scorer'}}}}",
        passes=_KEYS,
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with callers, for all or in one environment."""
    seen = set()
    for path, access in written(pipeline, "serving.access"):
        if access is None:
            continue
        for finding in _of_access(path, access):
            if finding.message not in seen:
                seen.add(finding.message)
                yield finding
    yield from _unverified(pipeline)


def _of_access(path: Path, access: Access) -> Iterator[Finding]:
    for name, caller in access.callers.items():
        yield from _of_caller((*path, "callers", name), name, caller, access)
    for name, issuer in access.issuers.items():
        if (issuer.keys is None) == (issuer.config_map is None):
            where = "nowhere" if issuer.keys is None else "twice"
            message = f"the issuer `{name}` says {where} where its public keys are"
            hint = "write `keys: https://…`, or `config_map: NAME` with the entry `jwks.json`"
            yield Finding("AM540", (*path, "issuers", name), message, help=hint, at_key=True)
    yield from _alike(path, access)
    yield from _unused(path, access)


def _of_caller(path: Path, name: str, caller: Caller, access: Access) -> Iterator[Finding]:
    if caller.token is not None and caller.certificate is not None:
        message = f"`{name}` is known by a token and by a certificate"
        yield Finding(
            "AM540", path, message, help="leave one of them out, or make it two callers", at_key=True
        )
    if caller.has_key and access.keys is None:
        message = f"`{name}` is known by a key, and `access` names no Secret of keys"
        hint = f"write `keys: SECRET`; its entry `{name}` is the key"
        yield Finding("AM540", path, message, help=hint, at_key=True)
    if caller.token is None:
        return
    issuer, where = caller.token.issuer, (*path, "token")
    if issuer is None and len(access.issuers) != 1:
        message = f"the token of `{name}` says no `issuer`, and there are {len(access.issuers) or 'none'}"
        hint = "write `issuer: NAME`" if access.issuers else "describe who signs it in `access.issuers`"
        yield Finding("AM540", where, message, help=hint, at_key=True)
    elif issuer is not None and issuer not in access.issuers:
        hint = did_you_mean(issuer, access.issuers) or "describe it in `access.issuers`"
        yield Finding("AM540", (*where, "issuer"), f"there is no issuer `{issuer}`", help=hint)


def _alike(path: Path, access: Access) -> Iterator[Finding]:
    """A caller whose every request shows an earlier one, too, and an issuer that is an earlier one."""
    by_url: dict[str, str] = {}
    for name, issuer in access.issuers.items():
        if (first := by_url.setdefault(issuer.url, name)) != name:
            message = f"`{name}` has the `url` of `{first}`"
            where = (*path, "issuers", name, "url")
            yield Finding("AM541", where, message, help="make them one issuer")
    callers = list(access.callers.items())
    for place, (name, caller) in enumerate(callers):
        for other, before in callers[:place]:
            if _shows(caller, before) or _shows(before, caller):
                message = f"what shows `{name}` shows `{other}`, too"
                yield Finding(
                    "AM541", (*path, "callers", name), message, help="give each its own", at_key=True
                )


def _shows(one: Caller, other: Caller) -> bool:
    """Whether all that the first sends is what the second is known by."""
    if one.certificate is not None and one.certificate == other.certificate:
        return True
    if one.token is None or other.token is None or one.token.issuer != other.token.issuer:
        return False
    return other.token.claims.items() <= one.token.claims.items()


def _unused(path: Path, access: Access) -> Iterator[Finding]:
    tokens = [caller.token for caller in access.callers.values() if caller.token is not None]
    named = {token.issuer for token in tokens}
    for name in access.issuers:
        if name not in named and not (None in named and len(access.issuers) == 1):
            message = f"no caller has a token of `{name}`"
            where = (*path, "issuers", name)
            yield Finding("AM542", where, message, severity=Severity.WARNING, at_key=True)
    if access.keys is not None and not any(caller.has_key for caller in access.callers.values()):
        message = f"no caller has a key in `{access.keys}`"
        yield Finding("AM542", (*path, "keys"), message, severity=Severity.WARNING)


def _unverified(pipeline: Pipeline) -> Iterator[Finding]:
    seen = set()
    for name, environment in pipeline.environments.items():
        access, settings = environment.serving.access, pipeline.settings.environments.get(name)
        gateway = settings.gateway if settings is not None else None
        is_verified = gateway is not None and (
            gateway.is_mesh or (gateway.credential is not None and environment.serving.gateway is not None)
        )
        if access is None or is_verified:
            continue
        for caller, each in access.callers.items():
            where = (*place_in(pipeline, name, "serving.access"), "callers", caller, "certificate")
            if each.certificate is not None and where not in seen:
                seen.add(where)
                message = f"nothing in `{name}` verifies the certificate of `{caller}`"
                hint = f"say what verifies it: `environments: {{{name}: {{gateway: …}}}}` in {SETTINGS_FILE}"
                yield Finding("AM543", where, message, help=hint)
