"""Hosts of a fleet that are nodes of a Kubernetes cluster: their objects, and how a start brings them there."""

import os
import re
import subprocess
from collections import Counter
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from target_tools import run

from setupgen.output.write import write

VERSIONS = ("1.30", "1.37")
KUBECTL = """#!/bin/sh
# Records what it is told, and what comes through a pipe.
printf '%s\\n' "$*" >>"$RECORD"
case $* in
    *"create secret"*) echo "the secret" ;;
    "apply --filename -") cat >>"$PIPED" ;;
    "get node node-a") exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def document(fleet):
    return fleet("nodes")


@pytest.fixture(scope="module")
def nodes(document):
    """Each server on a node, with its objects by kind."""
    found = []
    for item in document["placements"]:
        if item["node"]:
            start = f"{item['folder']}/kubernetes/"
            texts = {path.removeprefix(start): text for path, text in document["files"].items() if path.startswith(start)}
            objects = [made for path, text in texts.items() if path.endswith(".yaml") for made in yaml.safe_load_all(text)]
            found.append((item, texts, {made["kind"]: made for made in objects}))
    assert len(found) > 1
    return found


@pytest.mark.target("kubernetes", checker="kubernetes-validate", note="nodes of a fleet", version="1.37")
def test_every_object_is_what_its_schema_says(nodes):
    for _, texts, objects in nodes:
        for kind, made in objects.items():
            if kind == "Kustomization":
                assert set(made["resources"]) | {"kustomization.yaml", "Caddyfile"} == set(texts)
                assert made["configMapGenerator"][0]["files"] == ["Caddyfile"]
            else:
                for version in VERSIONS:
                    kubernetes_validate.validate(made, version, strict=True)
        assert set(objects) == {"Kustomization", "Namespace", "PersistentVolumeClaim", "Deployment", "Service", "NetworkPolicy"}


def test_each_pod_is_on_its_node_behind_a_door_of_its_own(document, nodes):
    ports = Counter()
    for item, texts, objects in nodes:
        pod, service = objects["Deployment"]["spec"]["template"]["spec"], objects["Service"]["spec"]
        assert pod["nodeSelector"] == {"kubernetes.io/hostname": item["node"]}
        port = urlsplit(item["address"]).port
        assert 30000 <= port <= 32767
        ports[port] += 1
        assert (service["type"], service["externalTrafficPolicy"]) == ("NodePort", "Local")
        assert (service["ports"][0]["nodePort"], service["ports"][0]["targetPort"]) == (port, "door")
        server, caddy = pod["containers"]
        assert caddy["ports"][0] == {"name": "door", "containerPort": port, "protocol": "TCP"}
        assert f"http://:{port} {{" in texts["Caddyfile"]
        assert f"reverse_proxy 127.0.0.1:{server['ports'][0]['containerPort']} {{" in texts["Caddyfile"]
        # Nothing but the door is open, and the door asks for the key.
        assert objects["NetworkPolicy"]["spec"]["ingress"] == [{"ports": [{"port": port, "protocol": "TCP"}]}]
        key = next(entry for entry in caddy["env"] if "valueFrom" in entry)
        assert f"Bearer {{env.{key['name']}}}" in texts["Caddyfile"]
        assert f"\n{key['name']}=" in document["files"][f"{item['folder']}/.env"]
        labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
        assert service["selector"] == labels == objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert set(ports.values()) == {1}


def test_pods_share_neither_names_nor_cards(nodes):
    spaces = Counter(objects["Namespace"]["metadata"]["name"] for _, _, objects in nodes)
    assert set(spaces.values()) == {1}
    cards = Counter()
    for item, _, objects in nodes:
        for made in objects.values():
            assert made["metadata"].get("namespace", made["metadata"]["name"]) in spaces if made["kind"] != "Kustomization" else True
        limits = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
        cards[item["host"]] += limits["nvidia.com/gpu"]
        assert not item["devices"]
    assert cards == {"node-a": 1, "node-b": 2}


def test_the_proxy_dials_the_ports_of_the_nodes(document, nodes):
    config = document["files"]["proxy/config.yaml"]
    for item, _, _ in nodes:
        assert f'"{item["address"]}/v1"' in config


@pytest.fixture
def deploy(document, tmp_path):
    write(document["files"], tmp_path / "fleet", modes=document["modes"], secrets=document["secrets_made"])
    (tmp_path / "bin").mkdir()
    for name, text in (("kubectl", KUBECTL), ("ssh", "#!/bin/sh\ncat >/dev/null\n"), ("docker", "#!/bin/sh\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)

    def start(*words):
        names = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "RECORD": str(tmp_path / "record"), "PIPED": str(tmp_path / "piped")}
        done = subprocess.run([tmp_path / "fleet/deploy.sh", *words], capture_output=True, text=True, check=False, timeout=60, env=names)
        return done, (tmp_path / "record").read_text("utf-8").splitlines()

    return start


def test_a_start_applies_each_node_with_its_secret_from_a_pipe(deploy, nodes, tmp_path):
    done, told = deploy()
    assert done.returncode == 0, done.stderr
    assert len(told) == 4 * len(nodes)
    for item, _, objects in nodes:
        space = objects["Namespace"]["metadata"]["name"]
        made = next(index for index, line in enumerate(told) if f"--namespace {space} " in line)
        assert "--from-env-file=.env --dry-run=client" in told[made]
        assert f"{item['host']}: starting {item['folder']}" in done.stdout
    assert told[0] == "apply --filename kubernetes/namespace.yaml"
    assert told[3] == "apply --kustomize kubernetes"
    key = re.search(r"_KEY=(\S+)", (tmp_path / "fleet/proxy/.env").read_text())
    assert not key or key[1] not in "".join(told)
    assert (tmp_path / "piped").read_text() == "the secret\n" * len(nodes)


def test_a_look_asks_for_the_nodes(deploy):
    done, told = deploy("--check")
    assert done.returncode == 1
    assert told == ["get node node-a", "get node gpu-b.example.internal"]
    assert "node-a: this fails here: kubectl get node node-a" in done.stderr
    assert "node-b: ready" in done.stdout


def test_shellcheck_finds_nothing(document, tmp_path):
    scripts = [path for path in document["files"] if path.endswith(".sh")]
    assert any(path.endswith("start.sh") for path in scripts)
    for index, path in enumerate(scripts):
        (tmp_path / f"{index}.sh").write_text(document["files"][path])
    run("shellcheck", *sorted(tmp_path.glob("*.sh")))


@pytest.mark.target("caddy", checker="caddy validate", note="nodes of a fleet", version=("caddy", "version"))
def test_caddy_accepts_every_file(nodes, tmp_path):
    for _, texts, _ in nodes:
        (tmp_path / "Caddyfile").write_text(texts["Caddyfile"])
        keys = dict.fromkeys(re.findall(r"\{env\.([A-Z0-9_]+)\}", texts["Caddyfile"]), "k")
        run(
            "caddy",
            "validate",
            "--config",
            tmp_path / "Caddyfile",
            "--adapter",
            "caddyfile",
            environment=keys | {"XDG_DATA_HOME": str(tmp_path)},
        )
