"""Plans as the engine would make them, for tests of templates: small, complete, and easy to vary."""

import copy
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
GIB = 1024**3


def load_templates():
    found = {}
    for path in sorted((ROOT / "templates").glob("*/template.yaml")):
        texts = {file.relative_to(path.parent).as_posix(): file.read_text("utf-8") for file in sorted(path.parent.rglob("*.j2"))}
        found[path.parent.name] = yaml.safe_load(path.read_text("utf-8")) | {"texts": texts}
    return found


TEMPLATES = load_templates()


def merged(base, changes):
    """`base` with `changes` laid over it; a mapping is merged, anything else replaced."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else copy.deepcopy(value)
    return result


def plan(server="llama-cpp", runtime="docker", backend="cuda", os="linux", **choice):
    """A plan with one server; `choice` is laid over its choice."""
    base = {
        "schema": 1,
        "verdict": "self-host",
        "facts": {
            "needs": {
                "use_case": "coding-agent",
                "experience": "balanced",
                "users": 1,
                "context": 65536,
                "os": os,
                "runtime": runtime,
                "exposure": "local",
                "privacy": "any",
                "license": "any",
                "offline": False,
            },
            "hardware": {
                "devices": [{"id": "nvidia/rtx-3090", "name": "NVIDIA GeForce RTX 3090", "count": 1, "memory_bytes": 24 * GIB}],
                "ram_bytes": 64 * GIB,
                "cpu": "AMD Ryzen 9 5950X",
                "unified": False,
            },
            "origins": {"needs.users": "assumed"},
        },
        "choice": _choice(server, runtime, backend),
        "decisions": [
            {
                "what": "server",
                "value": server,
                "because": "One user on one card: it has the fewest parts.",
                "by": "one-user",
                "sources": [],
            },
            {"what": "settings.context", "value": 65536, "because": "A coding agent needs 64k or more.", "by": "agents", "sources": []},
        ],
        "warnings": [{"id": "driver", "text": "The card needs driver 550 or newer.", "sources": []}],
        "knowledge": {"digest": "sha256:0123456789abcdef", "version": "0.1.0", "oldest_review": "2026-11-21"},
    }
    return base | {"choice": merged(base["choice"], choice)}


SERVERS = {
    "llama-cpp": {
        "name": "llama.cpp server",
        "version": "b11521",
        "port": 9931,
        "inside": 8080,
        "image": "ghcr.io/ggml-org/llama.cpp:server-cuda-b11521",
        "volume": "/root/.cache/llama.cpp",
        "health": ["CMD", "curl", "-fsS", "http://127.0.0.1:8080/health"],
        "health_path": "/health",
        "flags": ["-hf", "unsloth/Qwen3.6-27B-GGUF:Q4_K_M", "--alias", "qwen3.6-27b", "-c", "65536", "-np", "1", "-fa", "on", "--jinja"],
        "environment": {"LLAMA_CACHE": "/root/.cache/llama.cpp"},
        "program": ["llama-server"],
        "source": "unsloth/Qwen3.6-27B-GGUF:Q4_K_M",
        "format": "gguf",
    },
    "ollama": {
        "name": "Ollama",
        "version": "0.32.15",
        "port": 11434,
        "inside": 11434,
        "image": "ollama/ollama:0.32.15",
        "volume": "/root/.ollama",
        "health": ["CMD", "ollama", "list"],
        "health_path": "/api/version",
        "flags": [],
        "environment": {"OLLAMA_CONTEXT_LENGTH": "65536", "OLLAMA_KEEP_ALIVE": "-1"},
        "program": ["ollama", "serve"],
        "source": "qwen3.6:27b",
        "format": "gguf",
    },
    "vllm": {
        "name": "vLLM",
        "version": "0.33.0",
        "port": 8000,
        "inside": 8000,
        "image": "vllm/vllm-openai:v0.33.0",
        "volume": "/root/.cache/huggingface",
        "health": ["CMD", "curl", "-fsS", "http://127.0.0.1:8000/health"],
        "health_path": "/health",
        "flags": [
            "Qwen/Qwen3.6-27B-FP8",
            "--served-model-name",
            "qwen3.6-27b",
            "--max-model-len",
            "65536",
            "--gpu-memory-utilization",
            "0.92",
        ],
        "environment": {},
        "program": ["vllm", "serve"],
        "source": "Qwen/Qwen3.6-27B-FP8",
        "format": "safetensors",
    },
    "sglang": {
        "name": "SGLang",
        "version": "0.5.21",
        "port": 30000,
        "inside": 30000,
        "image": "lmsysorg/sglang:v0.5.21",
        "volume": "/root/.cache/huggingface",
        "health": ["CMD", "curl", "-f", "http://localhost:30000/health"],
        "health_path": "/health",
        "flags": ["Qwen/Qwen3.6-27B-FP8", "--served-model-name", "qwen3.6-27b", "--mem-fraction-static", "0.69"],
        "environment": {"HF_HOME": "/root/.cache/huggingface"},
        "program": ["sglang", "serve"],
        "command_prefix": ["sglang", "serve"],
        "source": "Qwen/Qwen3.6-27B-FP8",
        "format": "safetensors",
    },
}
GPUS = {"cuda": "nvidia", "rocm": "rocm", "vulkan": "dri", "sycl": "dri", "cpu": "none", "metal": "none"}


def _choice(server, runtime, backend):
    it = SERVERS[server]
    native = runtime == "native"
    base_url = f"http://127.0.0.1:{it['port']}"
    alias = it["source"] if server == "ollama" else "qwen3.6-27b"
    host_port = ["--host", "127.0.0.1", "--port", str(it["port"])] if native and server != "ollama" else []
    environment = dict(it["environment"])
    if native and server == "ollama":
        environment["OLLAMA_HOST"] = f"127.0.0.1:{it['port']}"
    if native and server == "llama-cpp":
        environment = {}
    container = {
        "image": it["image"],
        "port": it["inside"],
        "volume": it["volume"],
        "volume_name": "models",
        "health": it["health"],
        "gpu": GPUS[backend],
        "gpu_count": 0,
        "shm_size": "8gb" if server == "vllm" else "",
        "command_prefix": it.get("command_prefix", []),
        "cap_add": ["SYS_PTRACE"] if server == "sglang" and backend == "rocm" else [],
        "security_opt": ["seccomp=unconfined"] if server == "sglang" and backend == "rocm" else [],
    }
    return {
        "model": {"id": "qwen/qwen3.6-27b", "name": "Qwen3.6 27B", "license": "apache-2.0"},
        "weights": {
            "format": it["format"],
            "quant": "Q4_K_M",
            "bytes": 16_500_000_000,
            "download_bytes": 16_600_000_000,
            "download_seconds_at_100mbit": 1328,
            "source": it["source"],
            "repository": it["source"].partition(":")[0],
            "file": "",
        },
        "server": {
            "id": server,
            "name": it["name"],
            "version": it["version"],
            "image": it["image"],
            "api": ["openai"],
            "endpoints": {"health": it["health_path"], "openai": "/v1", "anthropic": "", "metrics": None},
        },
        "proxy": None,
        "runtime": runtime,
        "backend": backend,
        "settings": {
            "context": 65536,
            "parallel": 1,
            "context_total": 65536,
            "bind": "127.0.0.1",
            "port": it["port"],
            "flags": it["flags"] + host_port,
            "program": it["program"],
            "environment": environment,
            "auth": {"kind": "none"},
            "alias": alias,
            "weights_file": None,
            "replicas": 1,
        },
        "container": {} if native else container,
        "connection": {
            "host": "127.0.0.1",
            "base_url": base_url,
            "openai_url": f"{base_url}/v1",
            "anthropic_url": base_url,
            "ollama_url": base_url if server == "ollama" else None,
            "model": alias,
            "key_env": None,
            "context": 65536,
            "health_url": base_url + it["health_path"],
        },
        "sampling": {"temperature": 0.6, "top_k": 20, "top_p": 0.95},
        "memory": {
            "weights_bytes": 16_500_000_000,
            "kv_cache_bytes": 2 * GIB,
            "compute_bytes": GIB,
            "overhead_bytes": GIB // 2,
            "total_bytes": 20 * GIB,
            "devices": [{"name": "NVIDIA GeForce RTX 3090", "used_bytes": 20 * GIB, "capacity_bytes": 24 * GIB}],
            "host_bytes": GIB,
        },
        "speed": {
            "decode_tps": {"low": 30, "value": 36, "high": 42, "basis": "estimated"},
            "prefill_tps": {"low": 900, "value": 1200, "high": 1500, "basis": "estimated"},
            "ttft_s": {"low": 0.4, "value": 20, "high": 70},
            "aggregate_tps": {"low": 30, "value": 36, "high": 42},
        },
        "clients": ["opencode", "claude-code", "open-webui", "zed"],
    }


def with_key(made, variable="LLAMA_API_KEY"):
    """The plan with a key that the server itself checks."""
    key = {"auth": {"kind": "api-key", "env": variable, "by": "server"}}
    return made | {"choice": merged(made["choice"], {"settings": key, "connection": {"key_env": variable}})}


def offline(made):
    """The plan for a host that may fetch nothing at run time."""
    return made | {"facts": merged(made["facts"], {"needs": {"offline": True}})}


def behind_caddy(made, exposure="lan", variable="OLLAMA_API_KEY", port=8443, address="192.168.1.20"):
    """The plan with Caddy in front, which checks the key."""
    host = address or "localhost"
    base = f"https://{host}:{port}"
    by = "proxy" if made["choice"]["server"]["id"] == "ollama" else "server"
    health = base + made["choice"]["server"]["endpoints"]["health"]
    auth = {"kind": "api-key", "env": variable}
    changes = {
        "proxy": {"id": "caddy", "because": "TLS and a key.", "tls": True, "auth": auth, "port": port, "address": address},
        "settings": {"auth": auth | {"by": by}},
        "connection": {
            "host": host,
            "base_url": base,
            "openai_url": f"{base}/v1",
            "anthropic_url": base,
            "key_env": variable,
            "health_url": health,
        },
    }
    facts = merged(made["facts"], {"needs": {"exposure": exposure}})
    return made | {"facts": facts, "choice": merged(made["choice"], changes)}


HOPS = {
    "id": "hops",
    "because": "asked for",
    "bind": "127.0.0.1",
    "port": 11434,
    "workers": 8,
    "hosts": [
        {"id": "tower", "host": "http://10.0.0.5:11434", "headers": {"Authorization": {"env": "TOWER_TOKEN"}}, "timeout": 600},
        {"id": "mini", "host": "http://10.0.0.6:11434"},
    ],
}


def routed(made):
    """The plan with two models behind llama.cpp's router."""
    inside = bool(made["choice"]["container"])
    weights = made["choice"]["weights"]
    shared = {"backend": made["choice"]["backend"], "context": 65536, "parallel": 1, "memory_bytes": 20 * GIB}
    models = [
        shared | {"alias": "qwen3.6-27b", "use_case": "coding-agent", "name": "Qwen3.6 27B", "weights": weights}
        | {"options": {"hf-repo": weights["source"], "ctx-size": "65536", "no-mmproj": "true", "temp": "0.6", "top-k": "20", "top-p": "0.95"}},
        shared | {"alias": "qwen3-embedding-0.6b", "use_case": "embeddings", "name": "Qwen3-Embedding 0.6B", "backend": "cpu"}
        | {"weights": weights | {"quant": "Q8_0", "repository": "Qwen/Qwen3-Embedding-0.6B-GGUF", "file": "Qwen3-Embedding-0.6B-Q8_0.gguf"}}
        | {"options": {"hf-repo": "Qwen/Qwen3-Embedding-0.6B-GGUF:Q8_0", "embeddings": "true", "device": "none"}},
    ]  # fmt: skip
    flags = ["--models-preset", "/setup/models.ini" if inside else "models.ini", "--models-max", "2"]
    return made | {"choice": merged(made["choice"], {"settings": {"models": models, "flags": flags}})}


def lllms(made):
    """The plan with lllms, whose options are a program."""
    address = "https://huggingface.co/a/b/resolve/main/c.gguf"
    changes = {
        "server": {"id": "lllms", "name": "lllms", "version": "1.0.0-beta.19", "endpoints": {"health": "/", "openai": "/openai/v1"}},
        "settings": {"program": ["node"], "flags": ["server.mjs"], "threads": 8, "port": 3000},
        "weights": {"source": address},
    }
    return made | {"choice": merged(made["choice"], changes)}


def ramalama(made):
    """The plan with RamaLama, which starts a container itself."""
    model = "hf://a/b/c.gguf"
    flags = ["--image", "quay.io/ramalama/cuda:0.25", "--env", "LLAMA_API_KEY", "--runtime-args", "--parallel 1 --top-p 0.95", model]
    changes = {
        "server": {"id": "ramalama", "name": "RamaLama", "version": "0.25.0"},
        "settings": {"program": ["ramalama", "serve"], "flags": flags, "environment": {"RAMALAMA_CONTAINER_ENGINE": "podman"}},
    }
    return made | {"choice": merged(made["choice"], changes)}


def lm_studio(made, **changes):
    """The plan with LM Studio, whose own program loads the model."""
    flags = [
        "--context-length",
        "65536",
        "--parallel",
        "1",
        "--gpu",
        "max",
        "--identifier",
        "qwen3.6-27b",
        "--exact",
        "a/b-GGUF/c-Q4_K_M.gguf",
    ]
    ours = {
        "server": {"id": "lm-studio", "name": "LM Studio", "version": "0.4.26", "minimum": "0.4.16", "endpoints": {"health": "/v1/models"}},
        "settings": {"program": ["lms", "load"], "flags": flags, "environment": {}, "port": 1234, "context_total": 65536},
        "weights": {"source": "a/b-GGUF/c-Q4_K_M.gguf", "repository": "a/b-GGUF", "file": "c-Q4_K_M.gguf"},
    }
    return made | {"choice": merged(merged(made["choice"], ours), changes)}


def model_runner(made, *, gated=False):
    """The plan with Docker Model Runner, which is given its model by a request."""
    changes = {
        "server": {
            "id": "docker-model-runner",
            "name": "Docker Model Runner",
            "version": "1.2.6",
            "endpoints": {"health": "/engines/status"},
        },
        "settings": {"flags": [], "environment": {"LLAMA_ARGS": "--parallel 1 --temp 0.6 --top-p 0.95"}},
        "weights": {"source": "hf.co/A/B-GGUF:Q4_K_M", "gated": gated},
        "container": {"image": "docker/model-runner:v1.2.6-cuda", "port": 12434, "volume": "/models"},
    }
    return made | {"choice": merged(made["choice"], changes)}


def lemonade(made):
    """The plan with Lemonade, which is told of its model once it runs."""
    load = ["user.qwen3.6-27b", "--ctx-size", "65536", "--llamacpp", "vulkan", "--no-merge-args", "--save-options"]
    changes = {
        "server": {"id": "lemonade", "name": "Lemonade", "version": "11.7.0", "endpoints": {"health": "/live"}},
        "settings": {"flags": ["--host", "0.0.0.0", "--port", "13305", "--no-broadcast"], "environment": {}, "alias": "qwen3.6-27b"}
        | {"load": [*load, "--llamacpp-args", "--parallel 1 --fit off --temp 0.6 --top-p 0.95"]},
        "weights": {"source": "A/B-GGUF/b-Q4_K_M.gguf", "repository": "A/B-GGUF", "file": "b-Q4_K_M.gguf"},
        "container": {"image": "ghcr.io/lemonade-sdk/lemonade-server:v11.7.0", "port": 13305, "volume": "/opt/lemonade/.cache"}
        | {"command_prefix": ["./lemond"]},
    }
    return made | {"choice": merged(made["choice"], changes)}


# Every shape that a target takes: name -> plan.
SHAPES = {
    **{
        f"{server}-{runtime}-{backend}": plan(server, runtime, backend)
        for server in SERVERS
        for runtime in ("docker", "podman")
        for backend in ("cuda", "rocm", "vulkan", "cpu")
    },
    **{
        f"{server}-native-{os}": plan(server, "native", backend, os)
        for server in SERVERS
        for os, backend in (("linux", "cuda"), ("wsl", "cuda"), ("macos", "metal"), ("windows", "cuda"))
    },
    "llama-cpp-router": routed(plan()),
    "llama-cpp-router-offline": routed(offline(plan())),
    "llama-cpp-router-podman-lan": behind_caddy(routed(plan("llama-cpp", "podman")), variable="LLAMA_API_KEY"),
    "llama-cpp-router-native": routed(plan("llama-cpp", "native")),
    "llama-cpp-router-windows": routed(plan("llama-cpp", "native", "cuda", "windows")),
    "lllms": lllms(plan("llama-cpp", "native", "cpu")),
    "lllms-windows": lllms(plan("llama-cpp", "native", "cpu", "windows")),
    "ramalama": ramalama(plan("llama-cpp", "native")),
    "ramalama-lan": ramalama(behind_caddy(plan("llama-cpp", "native"), variable="LLAMA_API_KEY")),
    "lemonade": lemonade(plan("llama-cpp", "docker", "vulkan")),
    "lemonade-podman-lan": lemonade(behind_caddy(plan("llama-cpp", "podman", "vulkan"), variable="LEMONADE_API_KEY")),
    "lm-studio": lm_studio(plan("llama-cpp", "native")),
    "lm-studio-lan": lm_studio(behind_caddy(plan("llama-cpp", "native"))),
    "lm-studio-macos": lm_studio(plan("llama-cpp", "native", "metal", "macos")),
    "lm-studio-file": lm_studio(plan("llama-cpp", "native"), settings={"weights_file": "/my/own.gguf"}),
    "model-runner": model_runner(plan("llama-cpp")),
    "model-runner-podman-gated": model_runner(plan("llama-cpp", "podman"), gated=True),
    "llama-cpp-key": with_key(plan()),
    "vllm-key": with_key(plan("vllm"), "VLLM_API_KEY"),
    "ollama-offline": offline(plan("ollama")),
    "ollama-offline-podman": offline(plan("ollama", "podman", settings={"alias": "coder:latest"}, connection={"model": "coder:latest"})),
    "ollama-offline-native": offline(plan("ollama", "native")),
    "llama-cpp-offline": offline(plan()),
    "llama-cpp-offline-podman-lan": behind_caddy(offline(plan("llama-cpp", "podman")), variable="LLAMA_API_KEY"),
    "llama-cpp-offline-native": offline(plan("llama-cpp", "native")),
    "llama-cpp-offline-windows": offline(plan("llama-cpp", "native", "cuda", "windows")),
    "llama-cpp-windows-lan": behind_caddy(plan("llama-cpp", "native", "cuda", "windows"), variable="LLAMA_API_KEY", address=""),
    "vllm-offline": offline(plan("vllm", clients=["zed"])),
    "vllm-gated": plan("vllm", weights={"gated": True}),
    "vllm-gated-native": plan("vllm", "native", weights={"gated": True}),
    "vllm-copies": plan("vllm", container={"gpu_count": 4}, settings={"replicas": 4, "parallel": 3}),
    "vllm-lan-unknown": behind_caddy(plan("vllm"), variable="VLLM_API_KEY", address=""),
    "ollama-lan": behind_caddy(plan("ollama")),
    "ollama-lan-podman": behind_caddy(plan("ollama", "podman")),
    "vllm-internet": behind_caddy(plan("vllm"), "internet", "VLLM_API_KEY", 443, "llm.example.org"),
    "llama-cpp-native-lan": behind_caddy(plan("llama-cpp", "native"), variable="LLAMA_API_KEY"),
    "ollama-macos-lan": behind_caddy(plan("ollama", "native", "metal", "macos")),
    "ollama-windows-lan": behind_caddy(plan("ollama", "native", "cuda", "windows")),
    "ollama-alias": plan("ollama", settings={"alias": "coder:latest"}, connection={"model": "coder:latest"}),
    "ollama-file": plan(
        "ollama",
        settings={"weights_file": "/data/my model.gguf", "alias": "mine:latest"},
        container={"weights_path": "/weights/model.gguf"},
    ),
    "ollama-native-alias": plan("ollama", "native", settings={"alias": "coder:latest"}, connection={"model": "coder:latest"}),
    "llama-cpp-file": plan(
        settings={"weights_file": "/data/my model.gguf", "flags": ["-m", "/weights/my model.gguf"]},
        container={"weights_path": "/weights/my model.gguf"},
    ),
    "llama-cpp-native-file": plan(
        runtime="native", settings={"weights_file": "/data/my model.gguf", "flags": ["-m", "/data/my model.gguf"]}
    ),
}
