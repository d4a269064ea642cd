"""No secret stands in a file that everybody with the repository can read."""

from __future__ import annotations

import re
from math import log2
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPLANATIONS = (
    Explanation(
        "AM330",
        "an address holds a password",
        "Anyone who can read the repository, its clones and its history can read the password, and it goes "
        "into `generated/`, into logs and into the training image's configuration. Change it, for it is "
        "known now, and let the machine that reads the data bring it: a role of the cloud, `AWS_PROFILE`, "
        "`~/.netrc`, a Kubernetes secret.",
    ),
    Explanation(
        "AM331",
        "a key or a token stands in plain text",
        "It looks like what a cloud, GitHub, Slack or another service hands out, or like a private key. "
        "Anyone who can read the repository can use it. Take it back where it was handed out, for deleting "
        "the line leaves it in the history, and keep the new one in a secret store. What the training job "
        "needs to read its rows is named in aimass.yaml, never written: `environments: {dev: {secrets: "
        "[lake-reader]}}`.",
    ),
    Explanation(
        "AM332",
        "this looks like a secret",
        "A long run of letters and digits without a pattern is mostly a key or a token, and so is what "
        "stands behind `password:` or `api_key=` and mixes letters and digits. If it is none, accept it: "
        "`waivers: [{code: AM332, reason: …}]`.",
    ),
)
EXAMPLES = (
    Example(
        "AM330",
        fails="metadata: {description: 'rows of https://reader:hunter2@lake.example.com/customers.csv'}",
        passes="metadata: {description: 'rows of https://lake.example.com/customers.csv'}",
    ),
    Example(
        "AM331",
        fails="metadata: {description: 'read with AKIAIOSFODNN7EXAMPLE'}",
        passes="metadata: {description: 'read with the role of the training job'}",
    ),
    Example(
        "AM332",
        fails="metadata: {description: 'Zk3vQ9xT1mB7cR5yW8nL2pH6sD4gJ0aF'}",
        passes="metadata: {description: '9f86d081884c7d659a2feaa0c55ad015'}",
    ),
)
_IN_ADDRESS = re.compile(r"://[^\s/:@\"'<>]*:(?P<secret>[^\s/@\"']+)@")
_IN_QUERY = re.compile(
    r"[?&](?:sig|x-amz-signature|x-goog-signature|access_token|token|api_?key|password)=(?P<secret>[^&\s\"']{8,})",
    re.IGNORECASE,
)
#: How they begin, or nothing of those that are long words, what they look like, and what they are.
_KNOWN = tuple(
    (start, re.compile(pattern), noun)
    for start, pattern, noun in (
        ("A", r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[0-9A-Z]{16}\b", "an access key of AWS"),
        ("aws", r"(?i)\baws\w{0,20}(?:key|secret|token)\W{1,5}[0-9a-z/+]{40}\b", "a secret key of AWS"),
        ("AccountKey=", r"\bAccountKey=[A-Za-z0-9+/]{40,}={0,2}", "a key of Azure's storage"),
        ("gh", r"\bgh[pousr]_[A-Za-z0-9]{36,}", "a token of GitHub"),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{22,}", "a token of GitHub"),
        ("gl", r"\bgl(?:pat|dt|ft|soat|rt|cbt)-[A-Za-z0-9_-]{20,}", "a token of GitLab"),
        ("xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", "a token of Slack"),
        ("hooks.slack.com", r"\bhooks\.slack\.com/services/T\w+/B\w+/\w+", "an address of Slack that posts"),
        ("hf_", r"\bhf_[A-Za-z0-9]{30,}", "a token of Hugging Face"),
        ("AIza", r"\bAIza[0-9A-Za-z_-]{35}", "a key of Google"),
        ("k_live_", r"\b[rs]k_live_[0-9A-Za-z]{24,}", "a key of Stripe"),
        ("npm_", r"\bnpm_[A-Za-z0-9]{36}\b", "a token of npm"),
        ("pypi-", r"\bpypi-AgE[A-Za-z0-9_-]{60,}", "a token of PyPI"),
        ("SG.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", "a key of SendGrid"),
        ("sq0csp-", r"\bsq0csp-[0-9A-Za-z_-]{43}", "a secret of Square"),
        ("-us", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b", "a key of Mailchimp"),
        ("AC", r"\bAC[0-9a-f]{32}\b", "an account of Twilio"),
        ("SK", r"\bSK[0-9a-f]{32}\b", "a key of Twilio"),
        ("AKC", r"\bAKC[A-Za-z0-9]{10,}", "a key of JFrog"),
        ("", r"\b[0-9]{8,10}:[0-9A-Za-z_-]{35}\b", "a token of Telegram"),
        ("", r"\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27}\b", "a token of Discord"),
        ("sk-", r"\bsk-[A-Za-z0-9_-]{32,}", "a key of an API"),
        ("eyJ", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{5,}", "a JSON web token"),
        ("PRIVATE KEY", r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key"),
    )
)
#: What calls itself a password, a secret, a token or a key, with what stands behind `:` or `=`.
_NAMES = (
    "password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "access_key", "accesskey",
    "private_key", "privatekey", "credential",
)  # fmt: skip
_NAMED = re.compile(
    rf"(?i)(?:{'|'.join(_NAMES)}|credentials)"
    r"[\"']?\s{0,2}[:=]\s{0,2}[\"']?(?P<secret>[^\s\"',;{}\[\]<>$*()/`]{8,80})(?![^\s\"',;}\])`])"
)
_LONG = 32
_LONG_RUN = re.compile(r"(?<![A-Za-z0-9+])[A-Za-z0-9+]{32,}={0,2}")
#: What stands for a secret that somebody else fills in: `${PASSWORD}`, `<token>`, `***`.
_STAND_IN = re.compile(r"[$<{*%].*|[xX.]+")
_LIKELY = "this looks like a password, a key or a token, which everyone with the repository could read"
_LIKELY_HINT = "keep it in a secret store, or accept AM332 in `waivers` if it is no secret"
#: Bits a character: random letters and digits have nearly 6, English words run together about 3.7.
_RANDOM = 4.2


def findings_in_text(text: str) -> Iterator[Finding]:
    """Passwords, keys and tokens, in comments too."""
    found: dict[tuple[int, int], Finding] = {}
    # Patterns cost more than all other checks of most specs, so words are looked for first.
    folded, has_long_words = text.casefold(), max(map(len, text.split()), default=0) >= _LONG
    for match in (*_IN_ADDRESS.finditer(text), *(_IN_QUERY.finditer(text) if "=" in text else ())):
        if not _STAND_IN.fullmatch(match["secret"]):
            message = "this URL holds a password, which everyone with the repository can read"
            hint = "change it, and let the machine that reads the data bring it"
            found[match.span("secret")] = _finding("AM330", text, match.span("secret"), message, hint)
    for start, pattern, noun in _KNOWN:
        is_possible = (start in text or start in folded) if start else has_long_words
        for match in pattern.finditer(text) if is_possible else ():
            if not any(first <= match.start() < last for first, last in found):
                message = f"this is {noun}, which everyone with the repository can read"
                hint = "take it back where it was handed out; aimass.yaml names the Secret with the new one"
                found[match.span()] = _finding("AM331", text, match.span(), message, hint)
    for match in _NAMED.finditer(text) if any(name in folded for name in _NAMES) else ():
        first, last = match.span("secret")
        if not any(start < last and first < end for start, end in found) and _is_mixed(match["secret"]):
            found[first, last] = _finding("AM332", text, (first, last), _LIKELY, _LIKELY_HINT)
    for match in _LONG_RUN.finditer(text) if has_long_words else ():
        known = any(first < match.end() and match.start() < last for first, last in found)
        if not known and _is_random(match[0]):
            found[match.span()] = _finding("AM332", text, match.span(), _LIKELY, _LIKELY_HINT)
    yield from found.values()


def _is_mixed(word: str) -> bool:
    """Whether it mixes letters and digits, as no word of a language and no number does."""
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))


def _is_random(run: str) -> bool:
    """Whether it mixes digits with letters of both cases, and by Shannon's entropy has no pattern."""
    kinds = (str.isdigit, str.isupper, str.islower)
    if not all(any(map(kind, run)) for kind in kinds):
        return False
    shares = [run.count(sign) / len(run) for sign in set(run)]
    return -sum(share * log2(share) for share in shares) >= _RANDOM


def _finding(code: str, text: str, span: tuple[int, int], message: str, hint: str) -> Finding:
    severity = Severity.WARNING if code == "AM332" else Severity.ERROR
    return Finding(code, (), message, help=hint, severity=severity, place=_place(text, *span))


def _place(text: str, start: int, end: int) -> Place:
    """The place of a stretch within one line."""
    lines = re.split(r"\r\n|\r|\n", text[:start])
    column = len(lines[-1]) + 1
    return Place(len(lines), column, len(lines), column + end - start)
