"""What the dashboard shows is what the real server tells, where the target asks the server for it."""

from __future__ import annotations

import json
import re

import pytest
import yaml

QUESTION = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8, "temperature": 0}


@pytest.mark.target("monitoring", checker="llama-server", run=True, note="has every number that the dashboard asks for")
def test_every_query_finds_its_numbers(setup_of, chat_model):
    weights = ("--weights-file", str(chat_model))
    setup = setup_of("--use-case", "chat", "--exposure", "lan", *weights, "--target", "monitoring").start()
    key = setup.secrets()[setup.choice["settings"]["auth"]["env"]]
    [job] = yaml.safe_load((setup.folder / "monitoring/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"127.0.0.1:{setup.choice['settings']['port']}"]
    assert setup.ask(job["metrics_path"]).status == 401
    assert setup.ask("/v1/chat/completions", {"model": setup.choice["settings"]["alias"], **QUESTION}, key=key).status == 200
    told = setup.ask(job["metrics_path"], key=key)
    assert told.status == 200
    names = set(re.findall(r"^(llamacpp:\w+)", told.body.decode(), re.MULTILINE))
    dashboard = (setup.folder / "monitoring/grafana/dashboards/server.json").read_text("utf-8")
    queries = [target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel["targets"]]
    wanted = set(re.findall(r"llamacpp:\w+", " ".join(queries)))
    assert len(wanted) >= 8
    assert wanted <= names, wanted - names
