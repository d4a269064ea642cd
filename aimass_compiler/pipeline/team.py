"""A team: who it is, where its models run, and what they may use; `teams/NAME.yaml` describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Bytes, Cores, Frozen, Integer, Memory, Number
from aimass_compiler.catalog.text_form import text_form
from aimass_compiler.pipeline.code_owner import CodeOwners
from aimass_compiler.pipeline.deployer import Deployers
from aimass_compiler.pipeline.pod_settings import EnvironmentPods
from aimass_compiler.pipeline.waiver import Waiver

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


_Name = Annotated[
    str, *text_form("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "name of an object", "`growth-slack`")
]
_Entry = Annotated[str, *text_form("[A-Za-z0-9._-]{1,253}", "entry of a Secret", "`url`")]
_Queue = Annotated[str, *text_form("[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", "name of a queue", "`research`")]
_Namespace = Annotated[str, *text_form(_LABEL, "name of a namespace", "`ml-growth-prod`")]
_Host = Annotated[
    str, *text_form(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", "host", "`churn.example.com` or `*.growth.example.com`")
]
_Registry = Annotated[
    str,
    *text_form(
        "[a-z0-9]([a-z0-9._:-]*[a-z0-9])?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*",
        "registry with its path",
        "`registry.example.com/growth`",
    ),
]
#: Alertmanager fills in braces.
_Channel = Annotated[str, *text_form("[#@]?[A-Za-z0-9._-]{1,80}", "channel", "`#growth-models`")]
_Mailbox = Annotated[str, *text_form(r"[^@\s,{}]+@[^@\s,{}]+", "mailbox", "`growth@example.com`")]
_MailServer = Annotated[
    str, *text_form(r"[A-Za-z0-9.-]+:[0-9]{1,5}", "mail server", "`smtp.example.com:587`")
]
_User = Annotated[str, *text_form(r"[^\s{}]+", "name to log in with", "`growth@example.com`")]


class AllCores(Cores):
    """Cores of many pods together, such as `500m` or `4000`."""

    __slots__ = ()
    most = "1000000"


class Quota(Frozen):
    """What all pods of a namespace may ask for together; what is left out has no bound."""

    cpu: AllCores | None = None
    """Cores."""
    memory: Bytes | None = None
    """Memory."""
    gpus: Integer | None = Field(None, ge=0)
    """GPUs, as `nvidia.com/gpu` and every other resource that accelerators of the environment have."""
    pods: Integer | None = Field(None, ge=1)
    """Pods that have not ended."""
    storage: Bytes | None = None
    """Volumes, all claims together."""


class ContainerDefaults(Frozen):
    """What a container gets that asks for nothing, as quotas want every container to."""

    cpu: Cores = Cores("100m")
    """The cores that it asks for."""
    memory: Memory = Bytes("256Mi")
    """The memory that it asks for, and its limit."""


class QueueQuota(Frozen):
    """What a ClusterQueue has for all jobs together; what is left out is not known."""

    cpu: AllCores | None = None
    """Cores."""
    memory: Bytes | None = None
    """Memory."""
    gpus: Integer | None = Field(None, ge=0)
    """GPUs."""


class ClusterQueue(Frozen):
    """Where training jobs wait: a LocalQueue of Kueue in the namespace, and the ClusterQueue behind it."""

    cluster_queue: _Queue
    """The ClusterQueue, which the cluster's administrators keep."""
    name: _Queue | None = None
    """The LocalQueue; by default called like the team."""
    quota: QueueQuota | None = None
    """The nominal quota of the ClusterQueue, so that plans hold jobs against it, and one that asks for more
    is reported. It changes nothing in Kueue."""


class Slack(Frozen):
    """A channel of Slack."""

    secret: _Name
    """The Secret of the namespace that holds the webhook's URL."""
    key: _Entry = "url"
    """The entry of the Secret."""
    channel: _Channel | None = None
    """The channel, such as `#growth-models`; by default the webhook's."""


class PagerDuty(Frozen):
    """A service of PagerDuty."""

    secret: _Name
    """The Secret of the namespace that holds the integration key of the Events API v2."""
    key: _Entry = "routing_key"
    """The entry of the Secret."""


class Webhook(Frozen):
    """Anything that takes Alertmanager's notifications by HTTP."""

    secret: _Name
    """The Secret of the namespace that holds the URL."""
    key: _Entry = "url"
    """The entry of the Secret."""


class Mail(Frozen):
    """A mailbox."""

    to: _Mailbox
    """Its address."""
    sender: _Mailbox | None = None
    """Who writes; by default what Alertmanager's own configuration says, as of all below."""
    smarthost: _MailServer | None = None
    """The mail server with its port, such as `smtp.example.com:587`."""
    username: _User | None = None
    """Who logs in there."""
    secret: _Name | None = None
    """The Secret of the namespace that holds the password."""
    key: _Entry = "password"
    """The entry of the Secret."""


class Receiver(Frozen):
    """One that alerts of the team's models go to: exactly one of `slack`, `pagerduty`, `webhook`, `email`."""

    KINDS: ClassVar[tuple[str, ...]] = ("slack", "pagerduty", "webhook", "email")

    slack: Slack | None = None
    """A channel of Slack."""
    pagerduty: PagerDuty | None = None
    """A service of PagerDuty."""
    webhook: Webhook | None = None
    """Anything that takes Alertmanager's notifications by HTTP."""
    email: Mail | None = None
    """A mailbox."""
    severity: Literal["page", "ticket"] | None = None
    """Which alerts: those that wake people, or those that wait for the morning; by default all."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in self.KINDS) != 1:
            message = "an item of `alerts` must be exactly one of `slack`, `pagerduty`, `webhook` and `email`"
            raise PydanticCustomError("receiver", message)
        return self

    @property
    def kind(self) -> str:
        """Which of them it is."""
        return next(kind for kind in self.KINDS if getattr(self, kind) is not None)


class MonthlyBudget(Frozen):
    """What a team's models may use in a month by what is planned; what is left out has no bound."""

    gpu_hours: Number | None = Field(None, ge=0)
    """Hours of accelerators."""
    money: Number | None = Field(None, ge=0)
    """Money in the currency of `prices` in aimass.yaml, which must say what an hour costs."""


class TeamPlace(Frozen):
    """What a team has in an environment."""

    quota: Quota | None = None
    """What all of its pods may ask for together; by default there is no bound."""
    defaults: ContainerDefaults | None = None
    """What a container gets that asks for nothing: by default a tenth of a core and 256Mi."""
    queue: ClusterQueue | None = None
    """Where its training jobs wait; by default in `queue` of aimass.yaml."""
    deployer: Deployers | None = None
    """Who applies its models, or a list of all who do; by default whom aimass.yaml names, or the
    ServiceAccount `aimass` of the namespace."""
    oncall: Deployers | None = None
    """Who may roll back at once without the right to apply; by default whom aimass.yaml names."""
    trainer: Deployers | None = None
    """Who may train in the cluster, said of the first environment; by default whom aimass.yaml names."""
    pods: EnvironmentPods | None = None
    """What holds for its pods; each key of it stands in the place of that in aimass.yaml."""
    hosts: tuple[_Host, ...] | None = None
    """The hosts of its routes, such as `*.growth.example.com`, which no other team may then have; by default
    any that no team has."""
    alerts: tuple[Receiver, ...] | None = None
    """Where Alertmanager sends alerts of its models; what no item asks for goes to the first one."""


class TeamEnvironment(TeamPlace):
    """What differs in one environment: each key stands in the place of the team's."""

    namespace: _Namespace | None = None
    """The namespace; by default called by the pattern `teams.namespace` of aimass.yaml."""


class Team(TeamPlace):
    """Who a team is, where its models run, and what they may use."""

    description: str | None = None
    """What it does, for those who meet it."""
    github: CodeOwners | None = None
    """Who it is on GitHub: who approves changes of its models and releases, by `.github/CODEOWNERS`."""
    registries: tuple[_Registry, ...] | None = None
    """The registries, each with any path, that its specs may name images of; by default all. Those of
    aimass.yaml are always right."""
    budget: MonthlyBudget | None = None
    """What its models may use in a month; by default there is no bound."""
    waivers: tuple[Waiver, ...] = ()
    """The warnings that are accepted in every spec of the team, each with the reason."""
    environments: Mapping[str, TeamEnvironment] = Field(default_factory=dict)
    """What differs from the keys above in some environments of aimass.yaml."""

    def place(self, environment: str) -> TeamEnvironment:
        """What it has in an environment, with what differs there."""
        here = self.environments.get(environment) or TeamEnvironment.default()
        given = {name: getattr(self, name) for name in TeamPlace.model_fields}
        own = {name: value for name, value in vars(here).items() if value is not None}
        return TeamEnvironment.model_construct(**given | own)

    def hosts_in(self, environment: str) -> tuple[str, ...] | None:
        """Its hosts in an environment, found sooner than with all else that it has there."""
        return (
            self.environments[environment].hosts
            if self.is_of_environment(environment, "hosts")
            else self.hosts
        )

    def is_of_environment(self, environment: str, key: str) -> bool:
        """Whether the environment says a key itself."""
        here = self.environments.get(environment)
        return here is not None and getattr(here, key) is not None
