"""What the templates of a fleet's proxy read, in every shape."""

import copy

from plans import merged


def backend(name, address, server="llama-cpp", **changes):
    """One backend of a proxy, as a fleet fills it in, with one chat model."""
    model = {"name": "qwen3.6-27b", "alias": "qwen3.6-27b", "context": 65536, "task": "chat", "tools": True, "vision": False}
    base = {
        "name": name,
        "url": address,
        "server": server,
        "apis": ["openai", "ollama"] if server == "ollama" else ["anthropic", "openai"],
        "health": "/api/version" if server == "ollama" else "/health",
        "headers": {},
        "key_env": None,
        "slots": 4,
        "preemptible": False,
        "timeout_s": 600,
        "models": [merged(model, changes.pop("model", {}))],
    }
    return merged(base, changes)


EMBEDDING = {"name": "embeddinggemma:300m", "alias": "embeddinggemma:300m", "context": 2048, "task": "embedding", "tools": False}
FLEET = [
    backend("mini", "http://10.0.0.6:11434", "ollama", slots=1, model=EMBEDDING),
    backend("tower", "http://10.0.0.5:9931", key_env="TOWER_KEY", timeout_s=900),
    backend("spot", "https://gpu.example.org/llm", "vllm", slots=16, preemptible=True, model={"context": 32768}),
]
SECRET_HEADERS = {"Authorization": {"env": "SPOT_TOKEN"}, "X-Team": "research 1"}


def proxy(id_, backends=FLEET, **changes):
    """`choice.proxy` of a fleet."""
    base = {
        "id": id_,
        "because": "Hosts come and go, and clients speak OpenAI's API.",
        "bind": "127.0.0.1",
        "port": {"litellm": 4000, "nginx": 8088, "olla": 40114, "llama-swap": 8089}[id_],
        "tls": False,
        "auth": {"kind": "none"} if id_ == "olla" else {"kind": "api-key", "env": "FLEET_KEY"},
        "backends": copy.deepcopy(backends),
    }
    return base | changes


def _with_headers(backends):
    return [entry | ({"headers": SECRET_HEADERS} if entry["name"] == "spot" else {}) for entry in backends]


# Every shape of a fleet's proxy: name -> choice.proxy.
PROXIES = {
    **{
        f"{id_}-{runtime}": proxy(id_, FLEET if id_ == "llama-swap" else _with_headers(FLEET), runtime=runtime)
        for id_ in ("litellm", "nginx", "olla")
        for runtime in ("docker", "podman", "native")
    },
    "llama-swap-native": proxy("llama-swap", runtime="native"),
    "litellm-lan": proxy("litellm", bind="0.0.0.0", tls=True),
    "nginx-lan": proxy("nginx", bind="0.0.0.0", tls=True),
    "nginx-lan-native": proxy("nginx", bind="192.168.1.20", tls=True, runtime="native"),
    "nginx-one-model": proxy("nginx", [FLEET[1]]),
    "nginx-beside-its-server": proxy("nginx", [backend("here", "http://127.0.0.1:9931")]),
    "nginx-without-keys-native": proxy("nginx", [backend("here", "http://127.0.0.1:9931")], runtime="native"),
    "litellm-beside-its-server": proxy("litellm", [backend("here", "http://127.0.0.1:9931")]),
    "nginx-without-a-key": proxy("nginx", [FLEET[1]], auth={"kind": "none"}),
    "litellm-names-differ": proxy(
        "litellm", [FLEET[1], backend("other", "http://10.0.0.7:11434", "ollama", model={"name": "qwen3.6:27b"})]
    ),
    "olla-names-differ": proxy("olla", [FLEET[1], backend("other", "http://10.0.0.7:11434", "ollama", model={"name": "qwen3.6:27b"})]),
    **{
        f"{id_}-webui": proxy(
            id_, [*FLEET, backend("other", "http://10.0.0.7:9931", model={"name": "b", "alias": "b"})], clients=["open-webui"]
        )
        for id_ in ("litellm", "nginx", "olla")
    },
    "llama-swap-lan": proxy("llama-swap", bind="0.0.0.0", tls=True, runtime="native"),
}
