"""What a cluster answers when it does not do what it was asked, in words and with a hint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.exit_codes import ExitCode


class ClusterError(HintedError):
    """The cluster did not do what it was asked; the message says why, `help` is the hint."""

    exit_code = ExitCode.FAILED


class Unreachable(ClusterError):  # noqa: N818  # it reads as what is the case
    """There is no answer, or what answers does not know who asks."""

    exit_code = ExitCode.UNREACHABLE


class Refused(ClusterError):  # noqa: N818  # it reads as what is the case
    """The cluster takes an object in no form, or not from us."""

    exit_code = ExitCode.REFUSED


class Missing(Refused):
    """There is no such object."""


class NoNamespace(Refused):
    """The namespace of an object is not there, or about to go."""


class Changed(ClusterError):  # noqa: N818  # it reads as what is the case
    """The object is not the one that was read, or is there already; reading it again helps."""


@dataclass(frozen=True)
class Claim:
    """A field that we declare and that somebody else manages with another value."""

    field: str
    manager: str


class Conflict(ClusterError):  # noqa: N818  # it reads as what is the case
    """Somebody else manages fields that we declare."""

    exit_code = ExitCode.CONFLICT

    def __init__(self, message: str, help: str, claims: Sequence[Claim]) -> None:  # noqa: A002  # as above
        super().__init__(message, help)
        self.claims = tuple(claims)


_MANAGER = re.compile(r'conflict with "(?P<manager>[^"]+)"')
_QUOTA = re.compile(r"exceeded quota: (?P<quota>[^,]+), (?P<numbers>requested: .*)$", re.DOTALL)
_POLICY = re.compile(
    r"ValidatingAdmissionPolicy '(?P<policy>[^']+)' with binding '[^']+' denied request: (?P<reason>.*)",
    re.DOTALL,
)
_WEBHOOK = re.compile(r'admission webhook "(?P<webhook>[^"]+)" denied the request: (?P<reason>.*)', re.DOTALL)
_SECURITY = re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<reason>.*)', re.DOTALL)
_RIGHT = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"'
    r'(?: in API group "(?P<group>[^"]*)")?'
)
_UNKNOWN_FIELD = re.compile(
    r'unknown field "(?P<field>[^"]+)"|: \.(?P<path>\S+): field not declared in schema'
)

_NOT_FOUND, _CONFLICT, _TOO_MANY, _INTERNAL = 404, 409, 429, 500


def failure(code: int, status: Mapping[str, Any], about: str) -> ClusterError:
    """What an answer that is no success means for `about`, such as `Deployment churn`.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """
    message = str(status.get("message") or f"it answered {code}")
    if code == _CONFLICT:
        return _conflict(status, message, about)
    if code == _NOT_FOUND:
        return _not_found(status, about)
    if code == _TOO_MANY:
        return Unreachable(f"the cluster has too much to do for {about}: {message}", "try again later")
    if code >= _INTERNAL and not is_unknown_field(message):
        return Unreachable(f"the cluster could not deal with {about} ({code}): {message}", "try again later")
    return _refused(code, status, message, about)


def _conflict(status: Mapping[str, Any], message: str, about: str) -> ClusterError:
    claims = tuple(_claims(status))
    if not claims:
        return Changed(f"{about} has changed meanwhile: {message}", "run it again")
    summary = "; ".join(f"`{claim.field}` is managed by `{claim.manager}`" for claim in claims)
    return Conflict(
        f"{about}: {summary}",
        "leave the field to them (take it out of what is generated), let them give it up, "
        "or take it over with --force-conflicts",
        claims,
    )


def _claims(status: Mapping[str, Any]) -> Iterator[Claim]:
    for cause in _causes(status):
        if cause.get("reason") == "FieldManagerConflict":
            named = _MANAGER.search(str(cause.get("message", "")))
            yield Claim(
                str(cause.get("field", "")).lstrip("."), named["manager"] if named else "another manager"
            )


def _causes(status: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (status.get("details") or {}).get("causes") or ()


def _not_found(status: Mapping[str, Any], about: str) -> ClusterError:
    details = status.get("details") or {}
    if details.get("kind") == "namespaces":
        return no_namespace(str(details.get("name")))
    return Missing(f"there is no {about} in the cluster")


def no_namespace(name: str) -> NoNamespace:
    """There is no such namespace."""
    return NoNamespace(
        f"there is no namespace `{name}`",
        f"who runs the cluster creates it: `kubectl create namespace {name}`",
    )


def ending_namespace(name: str) -> NoNamespace:
    """The namespace is being deleted, with everything in it."""
    return NoNamespace(
        f"the namespace `{name}` is being deleted",
        f"wait until it is gone, create it again (`kubectl create namespace {name}`), then apply again",
    )


def _refused(code: int, status: Mapping[str, Any], message: str, about: str) -> ClusterError:
    for cause in _causes(status):
        if cause.get("reason") == "NamespaceTerminating":
            return ending_namespace(str(cause.get("field") and _namespace_in(message)))
    if summary := admission_reason(message) or _validation_reason(message):
        return Refused(f"{about} was refused: {summary[0]}", summary[1])
    if right := _RIGHT.search(message):
        return _no_right(right, about)
    return Refused(f"{about} was refused ({code}): {_without_object(message)}")


def _validation_reason(message: str) -> tuple[str, str] | None:
    """Why the server itself does not take an object, where more can be said of it than its message does."""
    if fields := _UNKNOWN_FIELD.findall(message):
        known = ", ".join(f"`{field or path}`" for field, path in dict.fromkeys(fields))
        return (
            f"the cluster knows no field {known}",
            "its version, or that of the operator whose kind this is, is older than what is generated",
        )
    if "field is immutable" in message:
        return (
            _without_object(message),
            "this cannot change in place: delete the object, then apply again",
        )
    return None


def is_unknown_field(message: str) -> bool:
    """Whether it is about a field that the cluster does not know: a server-side apply then ends with 500."""
    return _UNKNOWN_FIELD.search(message) is not None


def admission_reason(message: str) -> tuple[str, str] | None:
    """Why admission refused something, and the way out; None where the message tells of something else."""
    if found := _QUOTA.search(message):
        numbers = found["numbers"].strip()
        return (
            f"it exceeds the quota `{found['quota']}` of the namespace ({numbers})",
            "ask for less in the spec, or let who runs the cluster raise the quota",
        )
    if found := _SECURITY.search(message):
        return (
            f'the namespace enforces Pod Security "{found["level"]}": {found["reason"].strip()}',
            "change what is declared, or the namespace's label pod-security.kubernetes.io/enforce",
        )
    if found := _POLICY.search(message):
        return (
            f"the policy `{found['policy']}` of the cluster denies it: {found['reason'].strip()}",
            "change the spec so that it agrees with the policy, or talk to who runs the cluster",
        )
    if found := _WEBHOOK.search(message):
        return (
            f"the admission webhook `{found['webhook']}` denies it: {found['reason'].strip()}",
            "change the spec so that it agrees, or talk to who runs the cluster",
        )
    return None


def _no_right(right: re.Match[str], about: str) -> Refused:
    resource = f"{right['resource']}.{right['group']}" if right["group"] else right["resource"]
    return Refused(
        f"{about} was refused: `{right['user']}` may not {right['verb']} {resource} here",
        f"who runs the cluster can grant it; `kubectl auth can-i {right['verb']} {resource}` shows it",
    )


def _namespace_in(message: str) -> str:
    found = re.search(r"in namespace (\S+) because", message)
    return found[1] if found else "?"


def _without_object(message: str) -> str:
    """The message without the name of the object at its start, which has been told."""
    return re.sub(r'^\S+ "[^"]*" is (?:invalid|forbidden): ', "", message)
