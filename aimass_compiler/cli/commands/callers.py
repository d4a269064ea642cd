"""Ask a deployed model as strangers would, and see that each is refused.

Strangers send nothing, invented keys, tokens of callers with a wrong signature, and headers that only a
gateway may send: each must get 401 or 403. They need no secret and use up no budget. With --as, a
caller asks whose key or token is in AIMASS_CREDENTIAL: it must be let in; and with --spend, it asks until
its budget has ended, which must be 429 with `Retry-After`.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, add_spec, project_of
from aimass_compiler.cli.write import pipeline_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.access import Access
    from aimass_compiler.programs.caller_probe import Address, CallerUsage

EXIT_CODES = (ExitCode.SERVICE,)
EXAMPLES = """
  aimass callers churn --env prod                                    at the host of its route
  aimass callers churn --env prod --url http://127.0.0.1:8080        through `kubectl port-forward`
  AIMASS_CREDENTIAL=$KEY aimass callers churn --env prod --as shop   and one that may ask
  AIMASS_CREDENTIAL=$KEY aimass callers churn --env dev --as shop --spend 500
"""
_CREDENTIAL = "AIMASS_CREDENTIAL"


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_spec(parser)
    parser.add_argument("--env", required=True, metavar="ENV", help="the environment that is asked")
    parser.add_argument("--url", help="where it answers (default: the host of its route, by https)")
    parser.add_argument(
        "--as", dest="caller", metavar="CALLER", help=f"a caller; {_CREDENTIAL} has its key or token"
    )
    parser.add_argument(
        "--spend", type=int, metavar="N", help="with --as: ask until its budget ends, N times at most"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask; ExitCode.SERVICE where a stranger is let in, or a caller is not."""
    from aimass_compiler.programs import caller_probe

    pipeline = _pipeline(arguments)
    if pipeline is None:
        return ExitCode.FAILED
    serving = pipeline.environments[arguments.env].serving
    access = serving.access
    if access is None:
        raise UnknownName(f"anyone may ask `{pipeline.name}` in {arguments.env}: it has no `serving.access`")
    headers = _credential(arguments, access)
    if arguments.url is None and serving.gateway is None:
        raise UnknownName(
            f"`{pipeline.name}` has no route in {arguments.env}", "say with --url where it answers"
        )
    url = arguments.url or f"https://{serving.gateway.host if serving.gateway else ''}"
    address = caller_probe.address_of(url, serving)
    try:
        is_right = _strangers(address, access)
        if headers is not None:
            is_right = _caller(address, headers, arguments) and is_right
    except caller_probe.NotAsked as error:
        terminal.error(str(error), error.help)
        return ExitCode.FAILED
    return ExitCode.DONE if is_right else ExitCode.SERVICE


def _pipeline(arguments: argparse.Namespace) -> Pipeline | None:
    pipeline = pipeline_of(project_of(arguments), arguments.model)
    if pipeline is None:
        return None
    if arguments.env not in pipeline.environments:
        known = ", ".join(f"`{name}`" for name in pipeline.environments)
        raise UnknownName(f"`{pipeline.name}` is not in `{arguments.env}`", f"known here: {known}")
    return pipeline


def _credential(arguments: argparse.Namespace, access: Access) -> dict[str, str] | None:
    """What the caller sends; None where only strangers ask."""
    if arguments.caller is None:
        if arguments.spend is not None:
            raise UnknownName("--spend needs --as, which says whose budget it is")
        return None
    caller = access.callers.get(arguments.caller)
    if caller is None:
        known = ", ".join(f"`{name}`" for name in list(access.callers)[:10])
        raise UnknownName(f"there is no caller `{arguments.caller}`", f"known here: {known}")
    if caller.certificate is not None:
        raise UnknownName(f"`{arguments.caller}` shows a certificate, which this command has none of")
    value = os.environ.get(_CREDENTIAL, "").strip()
    if not value:
        raise UnknownName(f"{_CREDENTIAL} has no key or token of `{arguments.caller}`", "set it")
    from aimass_compiler.access_folder import KEY_HEADER

    return {KEY_HEADER: value} if caller.has_key else {"authorization": f"Bearer {value}"}


def _strangers(address: Address, access: Access) -> bool:
    from aimass_compiler.programs.caller_probe import faults_of_strangers

    is_right = True
    for what, status, fault in faults_of_strangers(address, access):
        print(f"{status}  {what}{f': {fault}' if fault else ''}", flush=True)
        is_right = is_right and not fault
    return is_right


def _caller(address: Address, headers: dict[str, str], arguments: argparse.Namespace) -> bool:
    from aimass_compiler.programs.caller_probe import spend

    spent = spend(address, headers, arguments.spend or 1)
    fault = spent.fault(is_to_end=arguments.spend is not None)
    print(f"{spent.last.status}  `{arguments.caller}`{f': {fault}' if fault else f', {_got(spent)}'}")
    return not fault


def _got(spent: CallerUsage) -> str:
    """What a caller got with whom nothing is wrong."""
    if not spent.is_limited:
        return "who is let in"
    again = spent.last.retry_after
    return f"whose budget ended after {spent.admitted} requests; it may come again in {again} s"
