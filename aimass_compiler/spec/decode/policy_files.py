"""The policies of a project from `policies/*.yaml`, and who need not keep them."""

from __future__ import annotations

import datetime
import pathlib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, did_you_mean, has_errors
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline.policy import Policies, Policy, PolicyWaiver, PolicyWaivers
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.project import SPEC_SUFFIXES, Project
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import read_text

EXPLANATIONS = (
    Explanation(
        "AM180",
        "a file in policies/ is no policy",
        "`policies/three-servers.yaml` is the policy `three-servers`, and "
        "`policies/waivers/three-servers.yaml` says which models need not keep it. The name becomes that of "
        "objects of Kubernetes, so it has lower-case letters, digits and `-` only, at most 63. Another file "
        "would hold no one to anything, without a word.",
    ),
    Explanation(
        "AM181",
        "a policy or a waiver names what there is not",
        "`where` of a policy and `environments` of a waiver name environments of aimass.yaml, and `teams` "
        "names teams. What is misspelt there holds nowhere.",
    ),
    Explanation(
        "AM182",
        "no one may waive a policy",
        "A waiver is approved by those whom the policy names as its `approvers`: .github/CODEOWNERS gives "
        "them the file of its waivers, so that no one else can merge a change of it. A policy without "
        "approvers is kept by all, and so is a waiver without a policy none.",
    ),
    Explanation(
        "AM187",
        "a waiver has ended",
        "A waiver says until when it holds, so that what was let be for a while comes up again. Compiling "
        "knows no date: the same files give the same result on every day. So it is `aimass check` that "
        "reports a waiver which has ended, and `aimass promote` that releases no version of its model any "
        "more. Keep the policy, and remove the waiver; or let its approvers prolong it.",
    ),
    Explanation(
        "AM183",
        "a team would approve its own waiver",
        "Who approves waivers of a policy must not be of the team whose model is waived: a team cannot "
        "let itself off. Another approver must be named, or the model must keep the policy.",
    ),
)
EXAMPLES = (
    Example(
        "AM180",
        "`policies/Three_Servers.yml` is to be a policy.",
        "It is `policies/three-servers.yaml`.",
        "situation",
    ),
    Example(
        "AM181",
        "`policies/three-servers.yaml` has `where: {environments: [production]}`.",
        "It has `where: {environments: [prod]}`.",
        "situation",
    ),
    Example(
        "AM182",
        "`policies/waivers/three-servers.yaml` waives a policy that has no `approvers`.",
        "The policy has `approvers: [acme/platform]`.",
        "situation",
    ),
    Example(
        "AM187",
        'On 1 April 2027, a waiver has `until: "2027-03-31"`.',
        'It has `until: "2027-06-30"`.',
        "situation",
    ),
    Example(
        "AM183",
        "`growth/churn` is waived from a policy whose approver `acme/growth` is the team `growth`.",
        "The approver is `acme/platform`.",
        "situation",
    ),
)
_NAME = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_OF_SCOPE = ("environments", "teams")
R = TypeVar("R", bound=Frozen)
#: Who is of each team, on GitHub.
Members = Mapping[str, Collection[str]]


def read_policies(
    project: Project, settings: Settings, members: Members, texts: Mapping[pathlib.Path, bytes]
) -> tuple[Policies, dict[str, Document], list[Finding]]:
    """The policies with their waivers, the documents that say so, and what is wrong with them."""
    folder = project.root / conventions.POLICIES_FOLDER
    policies: dict[str, Policy] = {}
    waivers: dict[str, tuple[PolicyWaiver, ...]] = {}
    above = folder / conventions.POLICY_WAIVERS_FOLDER
    documents: dict[str, Document] = {}
    findings: list[Finding] = []
    typed = (path for path in texts if path.is_relative_to(folder))
    for path in sorted({*folder.rglob("*"), *typed}):
        shown = path.relative_to(project.root).as_posix()
        if path.name.startswith(".") or not path.name.lower().endswith(SPEC_SUFFIXES):
            continue
        if path.parent not in (folder, above) or not re.fullmatch(rf"{_NAME}\.yaml", path.name):
            findings.append(_misnamed(shown, is_waiver=above in path.parents))
            continue
        documents[shown], wrong = read_text(path, shown, texts)
        findings += wrong
        if has_errors(wrong):
            continue
        if path.parent == folder:
            policy, problems = _decoded(Policy, documents[shown])
            policies |= {path.stem: policy} if policy else {}
        else:
            waived, problems = _decoded(PolicyWaivers, documents[shown])
            waivers |= {path.stem: waived.waivers} if waived else {}
        findings += problems
    found = Policies(policies=policies, waivers=waivers)
    known = {"environments": [*settings.environments], "teams": [*members], "models": [*project.models()]}
    findings += [*_unknown(found, known), *_unapproved(found, members)]
    return found, documents, findings


def ended(policies: Policies, today: datetime.date) -> Iterator[Finding]:
    """The waivers that hold no more."""
    for name, place, waiver in policies.ended(today):
        message = f"the waiver of `{waiver.model}` from `{name}` ended on {waiver.until}"
        hint = f"keep `{name}` and remove the waiver, or let the policy's approvers prolong it"
        file = conventions.POLICY_WAIVERS_FILE.format(policy=name)
        yield Finding("AM187", ("waivers", place, "until"), message, help=hint, file=file)


def _decoded(kind: type[R], document: Document) -> tuple[R | None, list[Finding]]:
    return decode(kind, document.data, document.file, document.written)


def _misnamed(shown: str, *, is_waiver: bool) -> Finding:
    what = "waivers of a policy" if is_waiver else "a policy"
    file = conventions.POLICY_WAIVERS_FILE if is_waiver else conventions.POLICY_FILE
    verb = "are" if is_waiver else "is"
    hint = f"{what} {verb} `{file.format(policy='NAME')}`; lower-case letters, digits and `-`"
    return Finding("AM180", (), f"`{shown}` is not read as {what}", help=hint, file=shown)


def _unknown(policies: Policies, known: Mapping[str, list[str]]) -> Iterator[Finding]:
    """Environments, teams and models that there are not."""
    for name, policy in policies.policies.items():
        file = conventions.POLICY_FILE.format(policy=name)
        for key in _OF_SCOPE:
            for place, written in enumerate(getattr(policy.where, key)):
                if written not in known[key]:
                    yield _no_such(("where", key, place), key, written, known[key], file)
    for name, waivers in policies.waivers.items():
        file = conventions.POLICY_WAIVERS_FILE.format(policy=name)
        for place, waiver in enumerate(waivers):
            if waiver.model not in known["models"]:
                path: Path = ("waivers", place, "model")
                yield _no_such(path, "models", waiver.model, known["models"], file)
            for item, written in enumerate(waiver.environments):
                if written not in known["environments"]:
                    path = ("waivers", place, "environments", item)
                    yield _no_such(path, "environments", written, known["environments"], file)


def _no_such(path: Path, key: str, written: str, known: list[str], file: str) -> Finding:
    message = f"there is no {key.removesuffix('s')} `{written}`"
    return Finding("AM181", path, message, help=did_you_mean(written, known), file=file)


def _unapproved(policies: Policies, members: Members) -> Iterator[Finding]:
    """Waivers that no one may approve, or those who ask for them."""
    for name, waivers in policies.waivers.items():
        file, policy = conventions.POLICY_WAIVERS_FILE.format(policy=name), policies.policies.get(name)
        if policy is None:
            message, hint = f"there is no policy `{name}`", did_you_mean(name, policies.policies)
            yield Finding("AM182", ("waivers",), message, help=hint, at_key=True, file=file)
            continue
        if not policy.approvers:
            hint = f"name `approvers` in `{conventions.POLICY_FILE.format(policy=name)}`, or keep the policy"
            message = f"no one may waive `{name}`: it has no `approvers`"
            yield Finding("AM182", ("waivers",), message, help=hint, at_key=True, file=file)
        for place, waiver in enumerate(waivers):
            team = team_of(waiver.model)
            if own := [one for one in policy.approvers if one in members.get(team, ())]:
                message = f"`{own[0]}`, who approves waivers of `{name}`, is of the team of `{waiver.model}`"
                hint = "a team cannot waive its own models: name approvers who are not of it"
                yield Finding("AM183", ("waivers", place, "model"), message, help=hint, file=file)
