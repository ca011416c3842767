"""Files for clusters: Kubernetes' own schemas for its objects, restated ones for operators and charts, and what holds of all of them."""

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from case_tools import CASES, pack, planned, read_case
from setupgen.errors import NothingFitsError, UsageError
from setupgen.render.files import render_setup

HERE = Path(__file__).parent
VERSIONS = ("1.30", "1.37")
"""The lowest that the template of plain objects names, and the newest."""
STORIES = sorted(path.stem for path in CASES.glob("kubernetes-*.yaml") if path.stem != "kubernetes-no-key-at-the-door")
SCHEMAS = {
    ("ollama.ayaka.io/v1", "Model"): "ollama-model",
    ("kubeai.org/v1", "Model"): "kubeai-model",
    ("serving.kserve.io/v1alpha2", "LLMInferenceService"): "kserve-llm-inference-service",
    ("ray.io/v1", "RayService"): "ray-service",
    ("gateway.networking.k8s.io/v1", "Gateway"): "gateway",
    ("gateway.envoyproxy.io/v1alpha1", "EnvoyProxy"): "gateway",
}
VALUES = {"kubeai/values.yaml": "kubeai-values", "vllm-production-stack/values.yaml": "production-stack-values"}


@cache
def plan_of(story):
    return planned(read_case(CASES / f"{story}.yaml"))


def others_of(story):
    return sorted(plan_of(story)["choice"]["cluster"]["stacks"])


SETUPS = [(story, None) for story in STORIES] + [(story, id_) for story in STORIES for id_ in others_of(story)]


@cache
def files_of(story, stack):
    return render_setup(plan_of(story), pack().templates, targets=[stack] if stack else None).files


@cache
def schema(name):
    return yaml.safe_load((HERE / "cluster_schemas" / f"{name}.yaml").read_text())


def objects_of(files):
    for path, text in files.items():
        if path.endswith(".yaml") and "/" in path and "values" not in path:
            for item in yaml.safe_load_all(text):
                yield path, item


def containers_of(item):
    """Every container in an object, however deep its pod lies."""
    if isinstance(item, dict):
        for key in ("containers", "initContainers"):
            yield from item.get(key, ()) if isinstance(item.get(key), list) else ()
        for value in item.values():
            yield from containers_of(value)
    elif isinstance(item, list):
        for value in item:
            yield from containers_of(value)


@pytest.mark.target("kubernetes", checker="kubernetes-validate", note="every object, by the schemas of Kubernetes' own API", version="1.37")
@pytest.mark.parametrize(("story", "stack"), SETUPS)
def test_every_object_is_what_its_schema_says(story, stack):
    found = 0
    for path, item in objects_of(files_of(story, stack)):
        key = (item["apiVersion"], item["kind"])
        if key[1] == "Kustomization":
            folder = Path(path).parent
            assert all("://" in name or str(folder / name) in files_of(story, stack) for name in item["resources"])
        elif key in SCHEMAS:
            jsonschema.validate(item, schema(SCHEMAS[key]))
            if key[1] == "RayService":
                jsonschema.validate(yaml.safe_load(item["spec"]["serveConfigV2"]), schema("ray-serve-config"))
        else:
            for version in VERSIONS if path.startswith("kubernetes/") else VERSIONS[-1:]:
                kubernetes_validate.validate(item, version, strict=True)
        found += 1
    assert found >= 3


@pytest.mark.parametrize(("story", "stack"), SETUPS)
def test_values_of_charts_have_keys_that_the_chart_knows(story, stack):
    for path, text in files_of(story, stack).items():
        if path in VALUES:
            jsonschema.validate(yaml.safe_load(text), schema(VALUES[path]))


@pytest.mark.parametrize(("story", "stack"), SETUPS)
def test_no_pod_is_privileged_and_no_image_floats(story, stack):
    files = files_of(story, stack)
    text = "\n".join(text for path, text in files.items() if path.endswith(".yaml"))
    assert not re.search(r"privileged: true|hostNetwork: true|hostPath:|type: (NodePort|LoadBalancer)|trust.remote.code", text)
    assert not re.search(r"image: \S+:latest\b|tag: .?latest", text)
    for _, item in objects_of(files):
        for container in containers_of(item):
            assert ":" in container.get("image", "x:y").rpartition("/")[2]
    assert any(item["kind"] == "NetworkPolicy" for _, item in objects_of(files))


@pytest.mark.parametrize(("story", "stack"), SETUPS)
def test_keys_are_references_and_only_env_holds_one(story, stack):
    files = files_of(story, stack)
    choice = plan_of(story)["choice"]
    auth = (choice["cluster"]["stacks"].get(stack) or choice["settings"])["auth"]
    assert not any(item["kind"] == "Secret" for _, item in objects_of(files))
    manifests = "\n".join(text for path, text in files.items() if "/" in path)
    if auth["kind"] == "api-key":
        assert choice["cluster"]["secret"] in manifests
        assert "--from-env-file=.env" in files["README.md"]
        assert auth["env"] in files[".env"]


@pytest.mark.parametrize("story", STORIES)
def test_the_start_up_probe_outlasts_download_and_loading(story):
    choice = plan_of(story)["choice"]
    start = choice["cluster"]["startup"]
    assert start["failures"] * start["period_s"] == start["seconds"] >= 600
    assert start["seconds"] >= 1.2 * (start["download_s"] + start["read_s"])
    assert start["read_s"] == pytest.approx(choice["weights"]["bytes"] / 100e6, rel=0.05)
    assert choice["cluster"]["storage"]["gib"] * 2**30 >= 1.15 * choice["weights"]["download_bytes"]
    probes = re.findall(r"failureThreshold: (\d+)", "\n".join(text for path, text in files_of(story, None).items() if "/" in path))
    if choice["cluster"]["id"] in {"kubernetes", "kserve", "vllm-production-stack"}:
        assert str(start["failures"]) in probes


def test_cards_that_share_a_model_get_shared_memory_and_one_pod():
    choice = plan_of("kubernetes-large-model")["choice"]
    service = next(item for _, item in objects_of(files_of("kubernetes-large-model", None)) if item["kind"] == "LLMInferenceService")
    assert service["spec"]["parallelism"] == {"tensor": 8}
    assert service["spec"]["template"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert service["spec"]["template"]["volumes"] == [{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}]
    assert choice["cluster"]["memory_gib"] >= 16 + 8 * 8


def test_copies_have_a_volume_each_and_clients_stay_with_theirs():
    objects = {item["kind"]: item for _, item in objects_of(files_of("kubernetes-team", "kubernetes"))}
    assert objects["StatefulSet"]["spec"]["replicas"] == 4
    assert objects["StatefulSet"]["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOnce"]
    services = [item for _, item in objects_of(files_of("kubernetes-team", "kubernetes")) if item["kind"] == "Service"]
    assert services[0]["spec"]["sessionAffinity"] == "ClientIP"
    assert objects["StatefulSet"]["spec"]["serviceName"] == services[1]["metadata"]["name"]
    assert "--data-parallel-size" not in objects["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["args"]


def test_pods_run_as_a_user_whose_namespace_forbids_more():
    for _, item in objects_of(files_of("kubernetes-homelab", None)):
        if item["kind"] == "Namespace":
            assert item["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        if item["kind"] == "Deployment":
            spec = item["spec"]["template"]["spec"]
            assert spec["securityContext"]["runAsNonRoot"]
            assert spec["automountServiceAccountToken"] is False
            assert all(box["securityContext"]["capabilities"]["drop"] == ["ALL"] for box in containers_of(item))


def test_the_operators_installation_replaces_the_image_that_is_gone():
    install = yaml.safe_load(files_of("kubernetes-ollama-operator", None)["ollama-operator/install/kustomization.yaml"])
    assert install["resources"] == ["https://raw.githubusercontent.com/nekomeowww/ollama-operator/v0.10.10/dist/install.yaml"]
    assert install["images"] == [{"name": "gcr.io/kubebuilder/kube-rbac-proxy", "newName": "registry.k8s.io/kubebuilder/kube-rbac-proxy"}]


def test_the_operators_model_has_a_service_of_a_fixed_name():
    objects = {item["kind"]: item for _, item in objects_of(files_of("kubernetes-ollama-operator", None))}
    name = objects["Model"]["metadata"]["name"]
    assert objects["Service"]["spec"]["selector"] == {"model.ollama.ayaka.io/name": name}
    assert objects["PersistentVolumeClaim"]["metadata"]["name"] == "ollama-models-store-pvc"


def test_kserve_lets_only_the_api_through():
    service = next(item for _, item in objects_of(files_of("kubernetes-platform", None)) if item["kind"] == "LLMInferenceService")
    name = service["metadata"]["name"]
    paths = [rule["matches"][0]["path"]["value"] for rule in service["spec"]["router"]["route"]["http"]["spec"]["rules"]]
    assert all(path.startswith(f"/llm/{name}/v1") for path in paths)
    assert f"https://SITE_HOST:443/llm/{name}/v1" in files_of("kubernetes-platform", None)["README.md"]


@pytest.mark.parametrize("story", STORIES)
def test_the_published_schema_knows_clusters(story):
    published = json.loads(files("setupgen").joinpath("schemas", "plan.schema.json").read_text("utf-8"))
    jsonschema.validate(plan_of(story), published)


def test_a_stack_that_cannot_serve_the_plan_says_why():
    with pytest.raises(NothingFitsError, match="ollama-operator runs Ollama, not vLLM"):
        files_of("kubernetes-team", "ollama-operator")
    with pytest.raises(UsageError, match="both run the server"):
        render_setup(plan_of("kubernetes-team"), pack().templates, targets=["kubeai", "kubernetes"])


@pytest.mark.parametrize(
    ("card", "resource"),
    [
        ("Intel Arc B580", "gpu.intel.com/xe"),
        ("Intel Arc A770", "gpu.intel.com/i915"),
        ("AMD Radeon RX 7900 XTX", "amd.com/gpu"),
        ("NVIDIA GeForce RTX 3090", "nvidia.com/gpu"),
    ],
)
def test_pods_ask_for_the_resource_of_the_cards_own_vendor(card, resource):
    case = read_case(CASES / "kubernetes-homelab.yaml")
    case["facts"] |= {"hardware": [card], "server": "llama-cpp"}
    assert planned(case)["choice"]["cluster"]["gpu"] == {"resource": resource, "count": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "glm-5.3-flash", "hardware": ["8x NVIDIA H200"], "ram": "2048G"}, "brings is too old for GLM-5.3-Flash"),
        ({"hardware": ["4x NVIDIA GH200 480GB"]}, "has images for amd64 only, not for arm64"),
    ],
)
def test_ray_is_offered_only_what_its_own_engine_knows_and_where_its_image_runs(changes, reason):
    case = read_case(CASES / "kubernetes-team.yaml")
    case["facts"] |= changes
    cluster = planned(case)["choice"]["cluster"]
    assert reason in cluster["cannot"]["ray-serve-llm"]
    assert "vllm-production-stack" in {cluster["id"], *cluster["stacks"]}


@pytest.mark.parametrize("model", ["glm-5.3-flash", "deepseek-v4.1-flash", "deepseek-v4-flash-vision-exp"])
def test_a_model_that_rays_engine_does_not_know_is_refused_with_it(model):
    case = read_case(CASES / "kubernetes-team.yaml")
    case["facts"] |= {"model": model, "server": "ray-serve-llm", "hardware": ["8x NVIDIA H200"], "ram": "2048G"}
    plan = planned(case)
    assert plan["choice"] is None
    assert any("brings is too old" in rejection["because"] for rejection in plan["rejected"])


def test_another_stack_changes_the_plan_that_is_written_with_it():
    files = files_of("kubernetes-team", "kubeai")
    assert '"id": "kubeai"' in files["setupgen.plan.json"]
    assert "--target kubeai" in files["README.md"]
    assert "KubeAI was" not in files["README.md"]
    assert "vLLM production stack was recommended" in files["README.md"]


@pytest.mark.parametrize("refused", [{"weights_file": "/models/x.gguf"}, {"offline": True}])
def test_what_no_pod_can_have_is_refused(refused):
    case = read_case(CASES / "kubernetes-homelab.yaml")
    case["facts"] |= refused
    with pytest.raises(UsageError):
        planned(case)
