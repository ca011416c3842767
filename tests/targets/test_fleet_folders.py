"""Whole folders of fleets before the programs that read them, and what their files promise one another."""

import json
import plistlib
import re
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from target_tools import run

from setupgen.output.write import write
from setupgen.render.fleet_keys import with_keys

HERE = Path(__file__).parent
NAMES = ("home", "office", "lab")


@pytest.fixture(scope="module", params=NAMES)
def document(request, fleet):
    return fleet(request.param)


@pytest.fixture(scope="module")
def folders(fleet, tmp_path_factory):
    root = tmp_path_factory.mktemp("fleets")
    for name in NAMES:
        made = fleet(name)
        keys = {(link["file"], link["name"]): f"Key-of_{link['file'].replace('/', '-')}" for link in made["secrets"].values()}
        files = with_keys(made["files"], made["secrets"], keys)
        write(files, root / name, modes=made["modes"], secrets=made["secrets_made"])
    return root


@pytest.fixture
def folder(document, folders):
    return folders / document["name"]


def variables(text):
    """Names that a file asks `.env` for."""
    return set(re.findall(r"\$\{([A-Z0-9_]+):\?", text))


@pytest.mark.target(
    ["compose", "litellm", "nginx", "olla"], checker="dclint", note="all of a fleet", version=("npx", "--no-install", "dclint", "--version")
)
def test_the_compose_schema_and_linter_accept_every_file(folders):
    root = HERE.parents[1]
    paths = sorted(folders.rglob("compose.yaml"))
    assert len(paths) > 30
    done = run(
        "npx", "--no-install", "dclint", "--formatter", "json", "--max-warnings", "0", "-c", HERE / "dclint.yaml", *paths, cwd=root, check=False
    )  # fmt: skip
    assert [f"{file['filePath']}: {message}" for file in json.loads(done.stdout) for message in file["messages"]] == []
    assert done.returncode == 0, done.stderr


@pytest.mark.target(
    ["fleet", "compose", "native", "nginx"], checker="shellcheck", note="all of a fleet", version=("shellcheck", "--version")
)
def test_shellcheck_finds_nothing_in_any_script(folders):
    run("shellcheck", *sorted(folders.rglob("*.sh")))


@pytest.mark.target("caddy", checker="caddy validate", note="all of a fleet", version=("caddy", "version"))
def test_caddy_accepts_every_file(folders, tmp_path):
    """Those that differ only in their numbers are one."""
    seen = {re.sub(r"[0-9]+", "0", path.read_text("utf-8")): path for path in sorted(folders.rglob("Caddyfile"))}
    assert seen
    for path in seen.values():
        keys = dict.fromkeys(re.findall(r"\{env\.([A-Z0-9_]+)\}", path.read_text("utf-8")), "k")
        run("caddy", "validate", "--config", path, "--adapter", "caddyfile", environment=keys | {"XDG_DATA_HOME": str(tmp_path)})


@pytest.mark.target("native", checker="plistlib", note="all of a fleet", version=("python3", "--version"))
def test_every_property_list_is_named_after_its_label(document):
    for path, text in document["files"].items():
        if path.endswith(".plist"):
            assert path.rpartition("/")[2] == f"{plistlib.loads(text.encode())['Label']}.plist"


@pytest.mark.target("nginx", checker="nginx -t", note="the proxy of forty hosts", version=("nginx", "-v"))
def test_nginx_accepts_the_proxy(document, folder):
    if document["proxy"]["id"] != "nginx":
        assert "nginx.conf" not in " ".join(document["files"])
        return
    assert variables((folder / "proxy/serve.sh").read_text()) == set(document["secrets"]) & variables(
        (folder / "proxy/compose.yaml").read_text()
    )
    # The user as whom nginx works must reach it.
    with tempfile.TemporaryDirectory() as open_:
        Path(open_).chmod(0o755)
        proxy = Path(shutil.copytree(folder / "proxy", Path(open_) / "proxy"))
        run("sh", proxy / "serve.sh", "check")
        told = (proxy / "tmp/secrets.conf").read_text()
    for item in document["placements"]:
        assert f'"Bearer Key-of_{item["folder"].replace("/", "-")}-.env"' in told


@pytest.mark.target(
    ["litellm", "nginx", "olla", "compose"], checker="podman-compose", note="the proxy of a fleet", version=("podman-compose", "--version")
)
def test_podman_compose_reads_the_proxy_as_it_was_meant(folder):
    ours = yaml.safe_load((folder / "proxy/compose.yaml").read_text())
    keys = dict.fromkeys(variables((folder / "proxy/compose.yaml").read_text()), "k")
    read = yaml.safe_load(run("podman-compose", "config", cwd=folder / "proxy", environment=keys).stdout)
    for id_, service in ours["services"].items():
        assert read["services"][id_].get("image") == service["image"]
        assert read["services"][id_].get("command") == service.get("command")


def test_replicas_of_a_name_are_the_same_model_with_the_same_context(document):
    found = defaultdict(set)
    for item in document["placements"]:
        found[item["alias"]].add((item["model"], item["quant"], item["format"], item["settings"]["context"]))
    assert {alias: variants for alias, variants in found.items() if len(variants) > 1} == {}


def test_the_proxy_dials_what_each_host_publishes(document):
    dialled = {backend["name"]: backend["url"] for backend in document["backends"]}
    assert dialled == {item["name"]: item["address"] for item in document["placements"]}
    ports = [(item["ssh"], urlsplit(item["address"]).port) for item in document["placements"]]
    assert len(set(ports)) == len(ports)
    for item in document["placements"]:
        text = document["files"].get(f"{item['folder']}/compose.yaml")
        services = yaml.safe_load(text)["services"].values() if text and item["address"].startswith("http:") else []
        published = [port for service in services for port in service.get("ports", ())]
        assert not services or [(port["host_ip"], int(port["published"])) for port in published] == [
            (item["ssh"], urlsplit(item["address"]).port)
        ]


def test_each_server_answers_to_the_name_that_clients_ask_for(document):
    for item in document["placements"]:
        folder = item["folder"]
        texts = "\n".join(text for path, text in document["files"].items() if path.startswith(f"{folder}/") and not path.endswith(".md"))
        assert item["alias"] in texts, item["name"]
        assert item["settings"]["alias"] == item["alias"]


def test_no_card_has_two_owners_unless_both_say_so(document):
    owners = defaultdict(list)
    for item in document["placements"]:
        for card in item["devices"]:
            owners[item["host"], card].append(item)
    for (host, card), items in owners.items():
        used = sum(next(iter(item["memory"]["devices"]))["used_bytes"] for item in items)
        assert len(items) == 1 or used <= max(device["capacity_bytes"] for item in items for device in item["memory"]["devices"]) * 4, (
            host,
            card,
        )
        for item in items:
            text = document["files"][f"{item['folder']}/compose.yaml"]
            assert ("Shared with other servers" in text) == (len(items) > 1)


def test_the_proxys_env_has_every_hosts_key_and_knows_where_from(document):
    for name, link in document["secrets"].items():
        assert f"\n{link['name']}=" in document["files"][link["file"]], name
    asked = variables(document["files"]["proxy/compose.yaml"])
    known = set(document["secrets"]) | {document["proxy"]["auth"].get("env")}
    headers = {value["env"] for backend in document["backends"] for value in backend["headers"].values() if isinstance(value, dict)}
    assert asked <= known | headers


def test_the_script_brings_every_folder_to_its_host(document):
    lines = [line.strip() for line in document["files"]["deploy.sh"].splitlines() if "; then work " in line]
    told = [line.split("work ")[1].split(";")[0].split()[:3] for line in lines]
    assert told == [[item["host"], item["ssh"], item["folder"]] for item in document["placements"]] + [["proxy", "local", "proxy"]]


def test_the_run_book_names_every_host_and_its_door(document):
    text = document["files"]["README.md"]
    for name in {item["name"] for item in document["placements"]} | set(document["idle_hosts"]):
        assert f"`{name}`" in text
    assert f":{document['proxy']['port']}" in text.partition("## 4. Connect")[2]


def test_no_card_has_two_servers_of_one_model_where_one_with_their_slots_would_do(fleet):
    document = fleet("office")
    places = [(item["host"], card, item["alias"]) for item in document["placements"] for card in item["devices"]]
    assert len(set(places)) == len(places)
    vectors = [item for item in document["placements"] if item["task"] == "embedding"]
    need = next(item for item in document["capacity"] if item["task"] == "embedding")
    assert sum(item["users"] for item in vectors) == need["users"]
    # They are promised by what they read.
    assert need["aggregate_tps"]["value"] == pytest.approx(sum(item["prefill_tps"]["value"] for item in vectors), abs=1)
