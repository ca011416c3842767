"""The scrape file and the dashboard before Prometheus' own tool: the configuration loads, and every query of the dashboard is one."""

import json

import pytest
import yaml
from plans import TEMPLATES, behind_caddy, plan, with_key
from target_tools import run

from setupgen.errors import NothingFitsError
from setupgen.output.write import write
from setupgen.render.files import render_setup

SHAPES = {
    "llama-cpp": plan(),
    "llama-cpp-key": with_key(plan("llama-cpp", "native")),
    "vllm": plan("vllm", "podman"),
    "vllm-key": with_key(plan("vllm"), "VLLM_API_KEY"),
    "llama-cpp-native-lan": behind_caddy(plan("llama-cpp", "native"), variable="LLAMA_API_KEY"),
    "sglang": plan() | {"choice": plan()["choice"] | {"server": plan()["choice"]["server"] | {"id": "sglang", "name": "SGLang"}}},
}


def files(shape):
    targets = ["monitoring"] if shape != "sglang" else ["monitoring", "setup"]
    return render_setup(SHAPES[shape], TEMPLATES, targets=targets)


@pytest.mark.target("monitoring", checker="promtool", note="scrape file and every query", version=("promtool", "--version"))
@pytest.mark.parametrize("shape", SHAPES)
def test_promtool_accepts_the_scrape_file_and_every_query(shape, tmp_path):
    made = files(shape)
    write(made.files, tmp_path / "setup", modes=made.modes, secrets=made.secrets)
    folder = tmp_path / "setup/monitoring"
    if "credentials_file" in (folder / "prometheus.yml").read_text():
        (folder / "key").write_text("x")
    run("promtool", "check", "config", "prometheus.yml", cwd=folder)
    dashboard = json.loads((folder / "grafana/dashboards/server.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) >= 4
    rules = [{"record": f"setupgen:query{index}", "expr": query} for index, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run("promtool", "check", "rules", tmp_path / "rules.yml")


@pytest.mark.parametrize("shape", SHAPES)
def test_grafana_finds_the_dashboard_and_its_source_of_data(shape):
    made = files(shape).files
    source = yaml.safe_load(made["monitoring/grafana/provisioning/datasources/prometheus.yaml"])["datasources"][0]
    dashboard = json.loads(made["monitoring/grafana/dashboards/server.json"])
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert len(dashboard["uid"]) <= 40
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(taken)) == len(taken)


def test_the_key_is_read_from_a_file_where_the_metrics_ask_for_it():
    [job] = yaml.safe_load(files("llama-cpp-key").files["monitoring/prometheus.yml"])["scrape_configs"]
    assert job["authorization"] == {"type": "Bearer", "credentials_file": "key"}
    assert job["static_configs"][0]["targets"] == ["127.0.0.1:9931"]
    assert "authorization" not in yaml.safe_load(files("vllm-key").files["monitoring/prometheus.yml"])["scrape_configs"][0]


def test_what_has_no_metrics_or_no_port_of_its_own_says_so():
    with pytest.raises(NothingFitsError, match=r"choice\.server\.id in"):
        render_setup(plan("ollama"), TEMPLATES, targets=["monitoring"])
    with pytest.raises(NothingFitsError, match="'caddy'"):
        render_setup(behind_caddy(plan()), TEMPLATES, targets=["monitoring"])
