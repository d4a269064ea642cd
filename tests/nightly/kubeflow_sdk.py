"""Run in an environment with Kubeflow's SDK: the same pipeline by its compiler, and ours read by its parsers.

python kubeflow_sdk.py PIPELINE.yaml WRITTEN.yaml
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp import compiler, components, dsl, kubernetes
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

LEFT = "{{$.outputs.parameters['left'].output_file}}"


def main(ours: str, written: str) -> None:
    specification, platform = yaml.safe_load_all(Path(ours).read_text(encoding="utf-8"))
    json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
    for config in executors(platform["platforms"]["kubernetes"]).values():
        json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    components.load_component_from_file(ours)
    compiler.Compiler().compile(pipeline(specification, platform["platforms"]["kubernetes"]), written)


def executors(part: dict[str, Any]) -> dict[str, Any]:
    return part["deploymentSpec"]["executors"]


def pipeline(specification: dict[str, Any], platform: dict[str, Any]) -> Any:
    """The pipeline in the words of the SDK, one call for each thing that the specification says."""
    about, tasks = specification["pipelineInfo"], specification["root"]["dag"]["tasks"]

    @dsl.pipeline(name=about["name"], description=about.get("description"))
    def written() -> None:
        made: dict[str, Any] = {}
        for name, task in tasks.items():
            component = specification["components"][task["componentRef"]["name"]]
            container = executors(specification)[component["executorLabel"]]["container"]
            given = {key: value(each, made) for key, each in task["inputs"]["parameters"].items()}
            step = made[name] = component_of(name, container, sorted(given))(**given)
            step.set_caching_options(bool(task["cachingOptions"]))
            resources(step, container["resources"])
            if retried := task.get("retryPolicy"):
                step.set_retry(retried["maxRetryCount"])
            pod(step, executors(platform)[component["executorLabel"]])

    return written


def value(given: dict[str, Any], made: dict[str, Any]) -> Any:
    if "runtimeValue" in given:
        return given["runtimeValue"]["constant"]
    return made[given["taskOutputParameter"]["producerTask"]].outputs["left"]


def component_of(name: str, container: dict[str, Any], inputs: list[str]) -> Callable[..., Any]:
    """A container component with these inputs, as a function that a person would write."""
    places = {f"{{{{$.inputs.parameters['{each}']}}}}": each for each in inputs} | {LEFT: "left"}

    def step(**given: Any) -> Any:
        arguments = [given[places[each]] if each in places else each for each in container["args"]]
        return dsl.ContainerSpec(image=container["image"], command=container["command"], args=arguments)

    parameters = ", ".join([*(f"{each}: str" for each in inputs), "left: dsl.OutputPath(str)"])
    named = ", ".join(f"{each}={each}" for each in [*inputs, "left"])
    scope: dict[str, Any] = {"dsl": dsl, "step": step}
    exec(f"def {name}({parameters}):\n    return step({named})", scope)  # noqa: S102  # names of our stages
    return dsl.container_component(scope[name])


def resources(step: Any, asked: dict[str, Any]) -> None:
    step.set_cpu_request(asked["resourceCpuRequest"]).set_cpu_limit(asked["resourceCpuLimit"])
    step.set_memory_request(asked["resourceMemoryRequest"]).set_memory_limit(asked["resourceMemoryLimit"])
    if accelerator := asked.get("accelerator"):
        step.set_accelerator_type(accelerator["type"]).set_accelerator_limit(accelerator["count"])


def pod(step: Any, config: dict[str, Any]) -> None:
    kubernetes.set_image_pull_policy(step, config["imagePullPolicy"])
    for each in config["emptyDirMounts"]:
        sizes = {"size_limit": each["sizeLimit"]}
        kubernetes.empty_dir_mount(step, each["volumeName"], each["mountPath"], **sizes)
    for each in config.get("secretAsVolume", ()):
        kubernetes.use_secret_as_volume(step, each["secretName"], each["mountPath"], optional=False)
    if secrets := config.get("imagePullSecret"):
        kubernetes.set_image_pull_secrets(step, [each["secretName"] for each in secrets])
    for key, label in config.get("nodeSelector", {}).get("labels", {}).items():
        kubernetes.add_node_selector(step, key, label)
    for each in config.get("nodeAffinity", ()):
        kubernetes.add_node_affinity(step, match_expressions=each["matchExpressions"])
    for each in config.get("tolerations", ()):
        kubernetes.add_toleration(step, **each)
    for key, label in config["podMetadata"]["labels"].items():
        kubernetes.add_pod_label(step, key, label)
    if user := config.get("securityContext"):
        numbers = {"run_as_user": int(user["runAsUser"]), "run_as_group": int(user["runAsGroup"])}
        kubernetes.set_security_context(step, **numbers, run_as_non_root=user["runAsNonRoot"])
    if seconds := config.get("activeDeadlineSeconds"):
        kubernetes.set_timeout(step, int(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
