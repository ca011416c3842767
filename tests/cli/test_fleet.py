"""`setupgen fleet`: what is planned and written."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from fleet_runs import FLEETS, TWO, planned, refused, run

from setupgen.engine.fleet import intake
from setupgen.engine.fleet.records import LINKS, PROXIES


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    path = tmp_path_factory.mktemp("two") / "fleet.yaml"
    path.write_text(TWO, encoding="utf-8")
    return planned(str(path))


# ------------------------------------------------------------------------------------------------- the plan


def test_the_document_and_the_inventory_are_what_their_schemas_say(two, valid):
    valid("fleet", two)
    valid("inventory", yaml.safe_load(TWO))
    for path in sorted(FLEETS.glob("*.yaml")):
        valid("inventory", yaml.safe_load(path.read_text("utf-8")))


def test_the_schema_and_the_program_know_the_same_keys():
    schema = json.loads(files("setupgen").joinpath("schemas", "inventory.schema.json").read_text("utf-8"))
    assert set(schema["properties"]) == set(intake.TOP_KEYS)
    assert set(schema["properties"]["hosts"]["items"]["properties"]) == set(intake.HOST_KEYS)
    assert set(schema["properties"]["needs"]["items"]["properties"]) == set(intake.NEED_KEYS)
    assert tuple(schema["properties"]["proxy"]["enum"]) == PROXIES
    assert tuple(schema["properties"]["hosts"]["items"]["properties"]["link"]["enum"]) == LINKS


def test_the_proxy_answers_where_the_inventory_says_and_no_server_takes_that_port(inventory):
    text = """
hosts: [{name: self, address: "http://127.0.0.1:5000", hardware: cpu, ram: 32G}]
needs: [{use_case: chat, users: 1}, {use_case: embeddings, users: 1}]
proxy: nginx
proxy_port: 5001
"""
    found = planned(inventory(text))
    assert found["proxy"]["port"] == 5001
    assert sorted(item["settings"]["port"] for item in found["placements"]) == [5000, 5002]
    assert found["files"]["proxy/nginx.conf"].count("listen 127.0.0.1:5001;") == 1
    assert "proxy_port must" not in "".join(refused(inventory, text.replace("5001", "80")))


def test_hops_is_not_asked_to_reach_the_loopback_of_its_machine_from_a_container(inventory):
    text = """
hosts: [{name: one, address: "http://127.0.0.1:11434", hardware: cpu, ram: 32G}]
needs: [{use_case: chat, users: 1}]
clients: [ollama]
"""
    assert planned(inventory(text))["proxy"]["id"] == "olla"
    assert "from which one cannot be reached" in "\n".join(refused(inventory, text + "proxy: hops\n"))


def test_each_host_is_placed_or_idle(two):
    assert {item["host"] for item in two["placements"]} | set(two["idle_hosts"]) == {"gaming", "oldbox", "mini"}
    assert two["verdict"] == "self-host"
    assert not two["unplaced"]


def test_replicas_have_one_name_one_quantisation_and_one_context(two):
    assert len({(item["alias"], item["quant"], item["settings"]["context"]) for item in two["placements"]}) == 1
    assert ":" in two["placements"][0]["alias"]  # Ollama gives each name a tag, and HOPS compares names exactly


def test_the_loss_of_a_host_is_survived(two):
    assert two["capacity"][0]["survives_one_host"]
    assert 0 < two["capacity"][0]["without_largest_host_tps"] < two["capacity"][0]["aggregate_tps"]["value"]


@pytest.mark.parametrize(
    ("hosts", "needs", "says"),
    [
        (
            "{name: slow, address: 'http://h:1', hardware: cpu, ram: 16G}, {name: quick, address: 'http://q:1', hardware: rtx-3090}",
            "{use_case: chat, users: 1}, {use_case: embeddings, users: 2, replicas: 2}",
            "2 replicas run on slow, so its loss takes all of them. quick would be far faster or slower with it",
        ),
        (
            "{name: one, address: 'http://h:1', hardware: cpu, ram: 16G, tags: [mine]}, {name: two, address: 'http://q:1', hardware: cpu, ram: 16G}",
            "{use_case: embeddings, users: 2, replicas: 2, tags: [mine]}",
            "2 replicas run on one, so its loss takes all of them. two cannot: no tag mine.",
        ),
        (
            "{name: one, address: 'http://h:1', hardware: cpu, ram: 64G}, {name: two, address: 'http://q:1', hardware: cpu, ram: 2G}",
            "{use_case: embeddings, model: qwen/qwen3-embedding-4b, users: 2, replicas: 2}",
            "two cannot run it well enough.",
        ),
    ],
)
def test_why_replicas_share_a_host_is_told(inventory, hosts, needs, says):
    found = planned(inventory(f"hosts: [{hosts}]\nneeds: [{needs}]\nproxy: litellm\n"))
    (text,) = [warning["text"] for warning in found["warnings"] if warning["id"] == "replicas-together"]
    assert says in text


def test_a_speech_model_is_a_helper_and_the_proxy_knows_what_it_takes(inventory):
    text = """
hosts:
  - {name: a, address: "http://10.0.0.1:11434", hardware: rtx-3090, ram: 64G}
  - {name: b, address: "http://10.0.0.2:11434", hardware: rtx-3090, ram: 64G}
needs: [{use_case: speech, users: 2, replicas: 2}, {use_case: chat, users: 2}]
proxy: nginx
"""
    found = planned(inventory(text))
    speech = [item["host"] for item in found["placements"] if item["need"] == 0]
    assert speech == ["a", "b"]  # one of them beside the model for text
    assert [model["task"] for backend in found["backends"] for model in backend["models"]].count("speech") == 2
    assert "/v1/audio/transcriptions" in found["files"]["proxy/nginx.conf"]


def test_everything_fits(two):
    for item in two["placements"]:
        assert all(device["used_bytes"] <= device["capacity_bytes"] for device in item["memory"]["devices"])


def test_hosts_listen_where_the_proxy_dials_and_ask_for_a_key(two):
    hosts = yaml.safe_load(two["files"]["proxy/hosts.yml"])
    assert [host["id"] for host in hosts] == ["gaming", "oldbox"]
    for host in hosts:
        compose = yaml.safe_load(two["files"][f"hosts/{host['id']}/compose.yaml"])["services"]
        port = compose["caddy"]["ports"][0]
        assert f"http://{port['host_ip']}:{port['published']}" == host["host"]
        assert "ports" not in compose["ollama"]
        assert host["headers"]["Authorization"] == f"${{{host['id'].upper()}_AUTHORIZATION}}"
        assert "not header Authorization" in two["files"][f"hosts/{host['id']}/Caddyfile"]


def test_the_same_inventory_gives_the_same_bytes(two, inventory):
    assert planned(inventory(TWO)) == two


def test_a_need_that_nothing_holds_is_unplaced_and_the_rest_is_planned(inventory):
    text = TWO.replace("needs:\n", "needs:\n  - {model: moonshotai/kimi-k2.6, users: 1}\n").replace("proxy: hops", "proxy: auto")
    fleet = planned(inventory(text), code=1)
    assert [item["need"] for item in fleet["unplaced"]] == [{"model": "moonshotai/kimi-k2.6", "users": 1}]
    assert fleet["unplaced"][0]["because"]
    assert {item["need"] for item in fleet["placements"]} == {1}


def test_preemptible_hosts_never_hold_the_only_replica(inventory):
    text = """\
hosts:
  - {name: rented, address: "http://10.0.0.1:8000", hardware: rtx-4090, ram: 64G, preemptible: true}
  - {name: weak, address: "http://10.0.0.2:8000", hardware: cpu, ram: 16G}
needs: [{use_case: chat, users: 2}]
"""
    fleet = planned(inventory(text))
    assert "weak" in {item["host"] for item in fleet["placements"]}
    only = text.replace("ram: 16G}", "ram: 16G, availability: '09:00-17:00'}")
    fleet = planned(inventory(only), code=1)
    assert fleet["placements"] == []
    assert "may vanish" in fleet["unplaced"][0]["because"]


def test_a_host_with_several_servers_has_a_port_and_cards_for_each(inventory):
    text = """\
hosts: [{name: quad, address: "http://10.3.0.4:8000", hardware: 4x RTX 3090, ram: 128G}]
needs: [{use_case: coding-agent, users: 20}]
"""
    fleet = planned(inventory(text))
    placed = fleet["placements"]
    assert len(placed) > 1
    assert [item["address"] for item in placed] == [f"http://10.3.0.4:{8000 + number}" for number in range(len(placed))]
    cards = [card for item in placed for card in item["devices"]]
    assert len(cards) == len(set(cards))
    assert len({(item["settings"]["port"]) for item in placed}) == len(placed)
    for item in placed:
        service = yaml.safe_load(fleet["files"][f"{item['folder']}/compose.yaml"])["services"][item["server"]]
        device = service["deploy"]["resources"]["reservations"]["devices"][0]
        assert device["device_ids"] == [str(card) for card in item["devices"]]


def test_hosts_on_this_machine_ask_for_no_key(inventory):
    text = """\
hosts:
  - {name: a, address: "http://127.0.0.1:9101", hardware: cpu, ram: 8G, runtime: native}
  - {name: b, address: "http://127.0.0.1:9102", hardware: cpu, ram: 8G, runtime: native}
needs: [{use_case: embeddings, users: 2, replicas: 2, server: llama-cpp}]
"""
    fleet = planned(inventory(text))
    assert fleet["secrets"] == {}
    assert [(item["settings"]["bind"], item["settings"]["port"]) for item in fleet["placements"]] == [
        ("127.0.0.1", 9101),
        ("127.0.0.1", 9102),
    ]
    assert not any("Caddyfile" in path for path in fleet["files"])


def test_behind_tls_the_server_has_another_port_than_is_dialled_and_the_run_book_says_who_asks_for_the_key(inventory):
    text = """\
hosts:
  - {name: a, address: "https://a.example.net", hardware: cpu, ram: 8G, headers: {Authorization: {env: A_TOKEN}}}
  - {name: b, address: "https://b.example.net:8080", hardware: cpu, ram: 8G}
needs: [{use_case: embeddings, users: 2, replicas: 2, server: llama-cpp}]
clients: [openai]
proxy: nginx
"""
    fleet = planned(inventory(text))
    assert [item["address"] for item in fleet["placements"]] == ["https://a.example.net:443", "https://b.example.net:8080"]
    told = [item["text"] for item in fleet["warnings"] if item["id"] == "tls-in-front"]
    assert len(told) == 2
    for item, words in zip(fleet["placements"], told, strict=True):
        port = item["settings"]["port"]
        assert not item["address"].endswith(f":{port}"), "two programs cannot listen on one port"
        assert yaml.safe_load(fleet["files"][f"{item['folder']}/compose.yaml"])["services"]["llama-cpp"]["ports"][0].startswith(
            f"127.0.0.1:{port}:"
        )
        assert f"http://127.0.0.1:{port} and asks for no key" in words
        assert item["address"] in words
    assert "without the header Authorization as A_TOKEN in proxy/.env has it" in told[0]
    assert "nothing keeps strangers out" in told[1]
    service = yaml.safe_load(fleet["files"]["proxy/compose.yaml"])["services"]["nginx"]
    assert service["ports"] == ["127.0.0.1:8088:8080"], "443 is for TLS"


def test_the_proxy_takes_no_port_of_a_host_on_its_own_machine(inventory):
    text = """\
hosts: [{name: a, address: "http://127.0.0.1:40114", hardware: cpu, ram: 8G, runtime: native}]
needs: [{use_case: embeddings, users: 1, server: llama-cpp}]
proxy: olla
"""
    fleet = planned(inventory(text))
    taken = {item["settings"]["port"] for item in fleet["placements"]}
    assert 40114 in taken
    assert yaml.safe_load(fleet["files"]["proxy/config.yaml"])["server"]["port"] == max(taken) + 1


def test_hosts_by_what_detect_found(tmp_path):
    facts = json.loads(run("detect", "--json").out)
    facts["accelerators"], facts["memory"] = [], {"total_bytes": 32 * 1024**3, "available_bytes": 30 * 1024**3}
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "one.json").write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "two.json").write_text(json.dumps(facts), encoding="utf-8")
    text = """\
facts: found
hosts:
  - {name: one, address: "http://10.0.0.1:8000"}
  - {name: two, address: "http://10.0.0.2:8000", facts: two.json}
needs: [{use_case: chat, users: 1}]
"""
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    assert {item["host"] for item in planned(str(tmp_path / "fleet.yaml"))["placements"]} == {"one", "two"}
    lines = "".join(json.dumps({"host": name, **facts}) + "\n" for name in ("one", "two"))
    (tmp_path / "found.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "fleet.yaml").write_text(
        text.replace("facts: found", "facts: found.jsonl").replace(", facts: two.json", ""), encoding="utf-8"
    )
    assert {item["host"] for item in planned(str(tmp_path / "fleet.yaml"))["placements"]} == {"one", "two"}
    (tmp_path / "two.json").write_text("{", encoding="utf-8")
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    result = run("fleet", str(tmp_path / "fleet.yaml"))
    assert result.code == 2
    assert "line 4, hosts[1].facts" in result.err


# ---------------------------------------------------------------------------------------------------- files


def values(path):
    lines = Path(path).read_text("utf-8").splitlines()
    return {line.partition("=")[0]: line.partition("=")[2].strip("'") for line in lines if "=" in line and not line.startswith("#")}


def test_keys_are_made_once_and_the_proxy_has_them(inventory, tmp_path):
    path, out = inventory(TWO), tmp_path / "out"
    assert run("fleet", path, "-o", str(out)).code == 0
    key = values(out / "hosts/gaming/.env")["SETUPGEN_API_KEY"]
    assert len(key) > 30
    assert values(out / "proxy/.env")["GAMING_AUTHORIZATION"] == f"Bearer {key}"
    assert (out / "proxy/.env").stat().st_mode & 0o777 == 0o600
    assert run("fleet", path, "-o", str(out)).code == 0
    assert values(out / "hosts/gaming/.env")["SETUPGEN_API_KEY"] == key
    plan = json.loads((out / "setupgen.fleet.json").read_text("utf-8"))
    assert plan["schema"] == 1
    assert "files" not in plan
    for file in out.rglob("*"):
        assert file.name == ".env" or not file.is_file() or key not in file.read_text("utf-8"), file


def test_a_dry_run_and_a_difference_write_nothing(inventory, tmp_path):
    for option in ("--dry-run", "--diff"):
        assert run("fleet", inventory(TWO), "-o", str(tmp_path / "out"), option).code == 0
    assert not (tmp_path / "out").exists()


def test_a_table_for_people(inventory):
    result = run("fleet", inventory(TWO))
    assert result.code == 0
    assert "gaming" in result.out
    assert "mini" in result.out
    assert "\x1b" not in result.out
