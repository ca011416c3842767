"""llama-swap's published schema and Olla's types, re-stated for what is generated: an unknown key or another type is a mistake.

No package registry has either program; tests/e2e/by_hand puts the files before them where somebody has them.
"""

import jsonschema
import pytest
import yaml
from plans import TEMPLATES, plan, with_key
from proxy_plans import PROXIES
from target_tools import rendered

from setupgen.errors import NothingFitsError
from setupgen.render.files import render_setup

TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer", "minimum": 0}
TEXTS = {"type": "array", "items": TEXT, "minItems": 1}
DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}
FLAG = {"type": "boolean"}


def closed(required, **properties):
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def mapping(value):
    return {"type": "object", "additionalProperties": value, "minProperties": 1}


TIMEOUTS = closed((), connect=NUMBER, keepalive=NUMBER, responseHeader=NUMBER, tlsHandshake=NUMBER, idleConn=NUMBER)
# config-schema.json of v250; `models` must be there, and may be empty where peers have them.
LLAMA_SWAP = closed(
    ("models",),
    logLevel={"enum": ["debug", "info", "warn", "error"]},
    apiKeys={"type": "array", "items": {"type": "string", "pattern": r"^\$\{env\.[A-Za-z_][A-Za-z0-9_]*\}$"}},
    healthCheckTimeout={"type": "integer", "minimum": 15},
    models={
        "type": "object",
        "additionalProperties": closed(
            ("cmd",), cmd=TEXT, proxy={"pattern": "^https?://"}, checkEndpoint={"pattern": "^/"}, ttl=NUMBER, name=TEXT, timeouts=TIMEOUTS
        ),
    },
    peers=mapping(
        closed(
            ("proxy", "models"),
            proxy={"type": "string", "pattern": "^https?://"},
            apiKey={"type": "string", "pattern": r"^\$\{env\.[A-Za-z_][A-Za-z0-9_]*\}$"},
            models=TEXTS,
            timeouts=TIMEOUTS,
        )
    ),
    selectors=mapping(
        closed(
            ("strategy", "targets"),
            strategy={"enum": ["warm", "pin", "spillover"]},
            targets=TEXTS,
            settings=closed((), spillover={"type": "integer", "minimum": 1}),
            metadata={"type": "object"},
        )
    ),
)

# internal/config/types.go of v0.0.28.
ENDPOINT = closed(
    ("url", "name", "type"),
    url={"type": "string", "pattern": "^https?://[^@]*$"},
    name=TEXT,
    type={
        "enum": [
            "ollama",
            "lm-studio",
            "llamacpp",
            "vllm",
            "vllm-mlx",
            "sglang",
            "lemonade",
            "litellm",
            "lmdeploy",
            "docker-model-runner",
            "omlx",
            "openai-compatible",
        ]
    },
    priority=NUMBER,
    preserve_path=FLAG,
    health_check_url={"type": "string", "pattern": "^/"},
    check_interval=DURATION,
    check_timeout=DURATION,
    model_filter=closed((), include=TEXTS, exclude=TEXTS),
    auth=closed(("type", "token"), type={"const": "bearer"}, token={"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"}),
    headers=mapping(TEXT),
)
OLLA = closed(
    ("server", "proxy", "discovery", "model_registry", "logging"),
    server=closed(
        ("host", "port"),
        host=TEXT,
        port={"type": "integer", "minimum": 1, "maximum": 65535},
        read_timeout=DURATION,
        write_timeout={"const": "0s"},
        request_limits=closed((), max_body_size=NUMBER, max_header_size=NUMBER),
        rate_limits=closed((), global_requests_per_minute=NUMBER, per_ip_requests_per_minute=NUMBER, burst_size={"minimum": 1}),
    ),
    proxy=closed(
        (),
        engine={"enum": ["olla", "sherpa"]},
        profile={"enum": ["auto", "streaming", "standard"]},
        load_balancer={"enum": ["priority", "round-robin", "least-connections"]},
        connection_timeout=DURATION,
        response_timeout=DURATION,
        read_timeout=DURATION,
        response_header_timeout=DURATION,
        sticky_sessions=closed((), enabled=FLAG, idle_ttl_seconds=NUMBER),
    ),
    discovery=closed(
        ("type", "static"),
        type={"const": "static"},
        static=closed(("endpoints",), endpoints={"type": "array", "items": ENDPOINT, "minItems": 1}),
        model_discovery=closed((), enabled=FLAG, interval=DURATION, timeout=DURATION, concurrent_workers=NUMBER),
    ),
    model_registry=closed((), type=TEXT, enable_unifier=FLAG, routing_strategy=closed(("type",), type={"enum": ["strict"]})),
    model_aliases=mapping(TEXTS),
    logging=closed((), level=TEXT, format={"enum": ["json", "text"]}, output=TEXT),
)


def problems(schema, shape):
    document = yaml.safe_load(rendered(shape).files["config.yaml"])
    return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


@pytest.mark.target("llama-swap", checker="its published schema, re-stated", version="250")
@pytest.mark.parametrize("shape", [shape for shape in PROXIES if shape.startswith("llama-swap")])
def test_llama_swap_knows_every_key(shape):
    assert problems(LLAMA_SWAP, shape) == []


@pytest.mark.target("olla", checker="its types, re-stated", version="0.0.28")
@pytest.mark.parametrize("shape", [shape for shape in PROXIES if shape.startswith("olla")])
def test_olla_knows_every_key(shape):
    assert problems(OLLA, shape) == []


@pytest.mark.parametrize("shape", [shape for shape in PROXIES if shape.startswith("olla")])
def test_olla_starts_without_the_files_that_only_its_image_has(shape):
    files = rendered(shape).files
    types = {endpoint["type"] for endpoint in yaml.safe_load(files["config.yaml"])["discovery"]["static"]["endpoints"]}
    assert "compose.yaml" in files or types <= {"ollama", "llamacpp", "lm-studio", "openai-compatible"}
    assert "vllm" in types or "compose.yaml" not in files or shape == "olla-names-differ"


@pytest.mark.parametrize("shape", [shape for shape in PROXIES if shape.startswith("llama-swap")])
def test_every_selector_leads_to_models_that_its_peers_have(shape):
    document = yaml.safe_load(rendered(shape).files["config.yaml"])
    there = {f"{name}/{model}" for name, peer in document["peers"].items() for model in peer["models"]}
    for alias, selector in document["selectors"].items():
        assert set(selector["targets"]) <= there
        assert alias not in there


@pytest.mark.target("llama-swap-native", checker="its published schema, re-stated", version="250")
@pytest.mark.parametrize("server", ["llama-cpp", "vllm"])
def test_llama_swap_starts_the_setup_itself(server):
    made = render_setup(plan(server, "native"), TEMPLATES, targets=["llama-swap-native"])
    document = yaml.safe_load(made.files["llama-swap.yaml"])
    assert list(jsonschema.Draft202012Validator(LLAMA_SWAP).iter_errors(document)) == []
    [(name, model)] = document["models"].items()
    assert name == "qwen3.6-27b"
    assert model["cmd"] == "sh serve.sh"
    assert "serve.sh" in made.files
    assert model["proxy"] == f"http://127.0.0.1:{9931 if server == 'llama-cpp' else 8000}"
    assert "serve-swap.sh" in made.files["README.md"]
    for other in (plan(), with_key(plan("llama-cpp", "native"))):
        with pytest.raises(NothingFitsError, match="cannot serve"):
            render_setup(other, TEMPLATES, targets=["llama-swap-native"])
