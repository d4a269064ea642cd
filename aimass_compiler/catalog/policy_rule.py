"""What every rule of a policy has: what it objects to in a model, and what the API server asks of objects."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from aimass_compiler.catalog import Kind
from aimass_compiler.conventions import ANNOTATION_DECLARED, COMPONENT_SERVER
from aimass_compiler.diagnostics import Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.render.facts import Environment, Resolved


class PolicyObjection(Struct, frozen=True):
    """What is not as a rule wants it, where in the spec, and what to do about it."""

    path: Path
    """As for all environments; where one overrides it, who reports finds out."""
    message: str
    help: str
    file: str = ""
    """The file, where it is not the spec."""


class ApiResource(Struct, frozen=True, order=True):
    """What the API server calls a kind of object."""

    group: str
    version: str
    name: str
    is_of_model: bool = False
    """Whether its objects are called like their models, and not after them."""


DEPLOYMENTS = ApiResource("apps", "v1", "deployments", is_of_model=True)
PODS = ApiResource("", "v1", "pods")
CONFIG_MAPS = ApiResource("", "v1", "configmaps")
_SERVICES = ApiResource("", "v1", "services")
AUTOSCALERS = ApiResource("autoscaling", "v2", "horizontalpodautoscalers", is_of_model=True)
ROUTES = ApiResource("gateway.networking.k8s.io", "v1", "httproutes", is_of_model=True)
ROLLOUTS = ApiResource("argoproj.io", "v1alpha1", "rollouts", is_of_model=True)
SCALED_OBJECTS = ApiResource("keda.sh", "v1alpha1", "scaledobjects", is_of_model=True)
LEADER_WORKER_SETS = ApiResource("leaderworkerset.x-k8s.io", "v1", "leaderworkersets", is_of_model=True)
PROMETHEUS_RULES = ApiResource("monitoring.coreos.com", "v1", "prometheusrules", is_of_model=True)
RAY_JOBS = ApiResource("ray.io", "v1", "rayjobs")
TRAIN_JOBS = ApiResource("trainer.kubeflow.org", "v1alpha1", "trainjobs")
TRAINING_RUNTIMES = ApiResource("trainer.kubeflow.org", "v1alpha1", "trainingruntimes")


#: Where the pods of each kind of server are, in CEL; a part that may be missing is behind `has`.
_PODS = {
    DEPLOYMENTS: ("object.spec.template.spec",),
    PODS: ("object.spec",),
    LEADER_WORKER_SETS: (
        "object.spec.leaderWorkerTemplate.workerTemplate.spec",
        "object.spec.leaderWorkerTemplate.leaderTemplate.spec",
    ),
}


class AdmissionClaim(Struct, frozen=True):
    """What the API server asks of one kind of object, in CEL: what is not true of an object is refused."""

    resource: ApiResource
    expression: str
    """Of `object`, as in a ValidatingAdmissionPolicy."""
    message: str
    """What is wrong with an object that is refused."""
    component: str = COMPONENT_SERVER


def of_declarations(label: str, claim: str, message: str) -> AdmissionClaim:
    """That a Service which says what the fleet's rules need to know says this label, and the claim is true.

    The claim is in CEL, of the label's text, which it calls TEXT.
    """
    notes, key = "object.metadata.annotations", ANNOTATION_DECLARED.format(label)
    model = ANNOTATION_DECLARED.format("model")
    declared = f"'{key}' in {notes} && {claim.replace('TEXT', f'{notes}[{key!r}]')}"
    return AdmissionClaim(_SERVICES, f"!has({notes}) || !('{model}' in {notes}) || ({declared})", message)


class PolicyRule(Kind):
    """A rule that models are held to."""

    #: The parts of the spec that it looks at: it is not asked where one of them is not what was meant.
    reads: ClassVar[tuple[str, ...]] = ()
    #: Whether environments may differ in it; otherwise a model is asked once.
    is_of_environment: ClassVar[bool] = True
    #: What of it the API server cannot see, or why it sees nothing, for people; empty where it sees all.
    unseen: ClassVar[str] = ""

    @abstractmethod
    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        """What is not as it should be in an environment."""

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        """What the API server is to ask; nothing where no object shows it."""
        return ()

    @property
    def seen(self) -> str:
        """Which objects the API server asks about it, and what it cannot see, for people; empty for none."""
        resources = ", ".join(dict.fromkeys(each.resource.name for each in self.admissions()))
        return f"{resources}; not {self.unseen}" if resources and self.unseen else resources

    def is_exempt(self, model: Resolved, here: Environment) -> bool:  # noqa: ARG002  # kinds decide by them
        """Whether objects of a model may be as they are, for a reason that they do not show."""
        return False


def of_all_pods(claim: str, message: str, *resources: ApiResource) -> tuple[AdmissionClaim, ...]:
    """That a claim in CEL is true of the pods of servers, which it calls POD."""
    return tuple(
        AdmissionClaim(resource, " && ".join(_of_pod(claim, pod) for pod in _PODS[resource]), message)
        for resource in resources or _PODS
    )


def of_all_images(claim: str, message: str) -> tuple[AdmissionClaim, ...]:
    """That a claim in CEL is true of all images that servers run, which it calls IMAGE."""
    of_image = claim.replace("IMAGE", "c.image")
    usual = f"POD.containers.all(c, {of_image})"
    return of_all_pods(
        f"{usual} && (!has(POD.initContainers) || POD.initContainers.all(c, {of_image}))", message
    )


def _of_pod(claim: str, pod: str) -> str:
    above = pod.removesuffix(".spec")
    written = claim.replace("POD", pod)
    return f"(!has({above}) || ({written}))" if above.endswith("leaderTemplate") else f"({written})"
