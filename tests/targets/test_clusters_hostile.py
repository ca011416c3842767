"""Hostile text in plans for clusters: each file parses and carries it as data, or it is refused. Names of objects hold nothing hostile."""

import re
from functools import cache

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from plans import merged
from readers import YAML
from test_hostile import HOSTILE

from case_tools import CASES, pack, planned, read_case
from setupgen.engine.clusters import resource_name
from setupgen.engine.stacks import keywords_of
from setupgen.errors import SetupgenError
from setupgen.render.files import render

LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
FIELDS = {
    "model.name": lambda text: {"model": {"name": text}},
    "weights.source": lambda text: {"weights": {"source": text}},
    "settings.alias": lambda text: {"settings": {"alias": text}},
    "cluster.model": lambda text: {"cluster": {"model": text}, "connection": {"model": text}},
    "cluster.args": lambda text: {"cluster": {"args": ["--chat-template", text], "keywords": {"reasoning_parser": text}}},
    "cluster.environment": lambda text: {"cluster": {"environment": {"SETTING": text}}},
    "cluster.product": lambda text: {"cluster": {"product": text}},
    "container.image": lambda text: {"container": {"image": text}},
}
PLANS = {
    story: planned(read_case(CASES / f"kubernetes-{story}.yaml"))
    for story in ("homelab", "kubeai", "ollama-operator", "platform", "ray", "team")
}


@cache
def clean(story):
    """The paths that are written where nothing is hostile."""
    return set(render(PLANS[story], pack().templates))


def texts_in(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value
        if "applications:" in value:
            yield from texts_in(yaml.load(value, YAML))


@pytest.mark.parametrize("story", PLANS)
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", ["quotes", "newline", "substitution", "jinja", "yaml-tag", "long"])
def test_hostile_text_is_data_or_refused(story, field, name):
    made, text = PLANS[story], HOSTILE[name]
    try:
        files = render(made | {"choice": merged(made["choice"], FIELDS[field](text))}, pack().templates)
    except SetupgenError:
        return
    assert set(files) == clean(story)
    for path, content in files.items():
        if path.endswith((".yaml", ".yml")):
            documents = list(yaml.load_all(content, YAML))
            assert all(isinstance(item, dict) for item in documents), path
            if "/" in path and len(text) > 6 and text in (FIELDS[field](text).get("cluster") or {}).get("environment", {}).values():
                found = any(text in item for document in documents for item in texts_in(document))
                assert found or not re.search(r"\bSETTING\b", content), path


@given(st.text(min_size=0, max_size=300))
def test_names_of_objects_are_labels_of_dns(text):
    assert LABEL.fullmatch(resource_name(text))
    assert len(resource_name(text)) <= 40


def test_options_become_keywords():
    words = ["--max-model-len", "8192", "--language-model-only", "--no-enable-prefix-caching", "--gpu-memory-utilization", "0.92"]
    words += ["--default-chat-template-kwargs", '{"enable_thinking": false}', "--kv-cache-dtype", "auto"]
    assert keywords_of(words) == {
        "max_model_len": 8192,
        "language_model_only": True,
        "enable_prefix_caching": False,
        "gpu_memory_utilization": 0.92,
        "default_chat_template_kwargs": {"enable_thinking": False},
        "kv_cache_dtype": "auto",
    }
