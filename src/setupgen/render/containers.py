"""What each container of a setup gets, as data: for targets that start containers by other means than a compose file.

`templates/compose/compose.yaml.j2` says the same for Compose; a test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.render.quoting import Quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    Raw = Mapping[str, Any]

OWN_WORDS = frozenset({"quadlet", "shell", "nixos"})
"""Targets whose folder holds what the run book says of starting, undoing and own changes: `_start`, `_undo` and `_own`."""

_GROUPS = frozenset({"VIDEO_GID", "RENDER_GID"})
NOT_READ = {"quadlet": _GROUPS, "shell": _GROUPS | {"WEBUI_SECRET_KEY"}, "nixos": _GROUPS | {"WEBUI_SECRET_KEY"}}
"""Variables of `.env` that a target has no use for."""

FIRST_FREE_PORT = 1024
"""Below it, only root may listen."""

FOLDER = "./"
"""How the source of a mount begins that lies in the setup's own folder."""


def way_of(context: Raw, images: Mapping[str, str], way: str) -> dict[str, Any]:
    """What templates see of how the server is run.

    ``way`` (the target that runs it), ``own_words`` (whether that target's folder says how), ``containers`` and ``network``, ``low_ports``, the words
    before a command inside the server's container (``inside``), and the entries of `.env` without those that only other ways read.
    """
    choice, setup = context["choice"], context["setup"]
    runtime, box = choice.get("runtime"), choice.get("container") or {}
    unread = NOT_READ.get(way, frozenset())
    entries = [entry for entry in setup["entries"] if entry["name"] not in unread]
    said = {"way": way, "own_words": way in OWN_WORDS, "containers": [], "network": "", "inside": Quoted(""), "entries": entries}
    said["low_ports"] = False
    said |= {key: [name for name in setup[key] if name not in unread] for key in ("made", "to_fill")}
    if runtime not in {"docker", "podman"} or not box.get("image"):
        return said
    found = containers_of(choice, setup, context["facts"]["needs"], images)
    inside = (
        f"{setup['compose']} exec {choice['server']['id']}"
        if way == "compose"
        else f"{'sudo ' if way == 'nixos' else ''}{runtime} exec {setup['name']}"
    )
    said["low_ports"] = any(port["host"] < FIRST_FREE_PORT for box in found for port in box["ports"]) and way != "nixos"
    return said | {"containers": found, "network": setup["name"] if len(found) > 1 else "", "inside": Quoted(inside)}


def containers_of(choice: Raw, setup: Raw, needs: Raw, images: Mapping[str, str]) -> list[dict[str, Any]]:
    """The containers in the order in which they start; the server is the first.

    Each has: ``id`` (its name in the setup's network), ``name`` (on the host), ``image``, ``command``, ``environment``, ``required`` and
    ``optional`` (variables passed on from `.env`), ``renamed`` (those that get another name inside), ``mounts`` (``kind`` volume or bind,
    ``source``, ``target``, ``read_only``), ``ports``
    (``address``, empty for what `LISTEN_ADDRESS` in `.env` says, and all addresses where that is not set; ``host``; ``container``),
    ``gpu`` (nvidia, rocm, dri, none), ``gpu_count`` (0: all), ``cap_add``,
    ``cap_drop``, ``security``, ``ipc``, ``shm_size``, ``health`` and ``by_itself`` (false where the user starts it when wanted).
    """
    found = [_server(choice, setup)]
    if setup["caddy"]:
        found.append(_caddy(choice, setup, needs, images["caddy"]))
    if "open-webui" in choice["clients"]:
        found.append(_webui(choice, setup, images["open-webui"]))
    return found


def _container(setup: Raw, id_: str, image: str, **fields: Any) -> dict[str, Any]:
    bare: dict[str, Any] = {
        "id": id_,
        "name": f"{setup['name']}-{id_}",
        "image": image,
        "command": [],
        "environment": {},
        "required": [],
        "optional": [],
        "renamed": {},
        "mounts": [],
        "ports": [],
        "gpu": "none",
        "gpu_count": 0,
        "cap_add": [],
        "cap_drop": [],
        "security": [],
        "ipc": "",
        "shm_size": "",
        "health": [],
        "by_itself": True,
    }
    return bare | fields


def _server(choice: Raw, setup: Raw) -> dict[str, Any]:
    box, settings, server = choice["container"], choice["settings"], choice["server"]["id"]
    packages = box.get("packages") or []
    gated = bool((choice.get("weights") or {}).get("gated"))
    required = [settings["auth"]["env"]] if setup["own_key"] else []
    optional: list[str] = []
    if setup["hf_token"]:
        (required if gated else optional).append("HF_TOKEN")
    podman = choice["runtime"] == "podman"
    fetched = setup["fetched"]
    return _container(
        setup,
        server,
        f"localhost/{setup['name']}:latest" if packages else box["image"],
        name=setup["name"],
        command=[*(box.get("command_prefix") or []), *map(str, settings["flags"])],
        environment={str(key): str(value) for key, value in setup["environment"].items()},
        required=required,
        optional=optional,
        mounts=_mounts(choice, setup),
        ports=[] if setup["caddy"] else [{"address": settings["bind"], "host": settings["port"], "container": box["port"]}],
        gpu=box["gpu"],
        gpu_count=box.get("gpu_count") or 0,
        cap_add=[*(box.get("cap_add") or []), *(["DAC_OVERRIDE"] if fetched and server == "ollama" else [])],
        cap_drop=["ALL"] if server in {"ollama", "llama-cpp"} else [],
        security=[*(["label=disable"] if podman and (box["gpu"] != "none" or fetched) else []), *(box.get("security_opt") or [])],
        ipc=box.get("ipc") or "",
        shm_size=str(box.get("shm_size") or "") if box.get("ipc") != "host" else "",
        health=list(box.get("health") or []),
    )


def _mounts(choice: Raw, setup: Raw) -> list[dict[str, Any]]:
    box, server = choice["container"], choice["server"]["id"]
    fetched = setup["fetched"]
    found = []
    if not (fetched and server == "llama-cpp"):
        volume = f"{setup['name']}-{box.get('volume_name') or 'models'}"
        found.append(_mount("volume", volume, box["volume"]))
    if fetched:
        inside = box["volume"] + {"llama-cpp": "", "ollama": "/models"}.get(server, "/hub")
        found.append(_mount("bind", f"{FOLDER}models", inside, read_only=server == "llama-cpp"))
    if setup["local_weights"]:
        found.append(_mount("bind", setup["local_weights"], box.get("weights_path") or "", read_only=True))
    if setup["modelfile"]:
        found.append(_mount("bind", f"{FOLDER}Modelfile", "/setup/Modelfile", read_only=True))
    if setup.get("by_path"):
        found.append(_mount("bind", "/dev/dri/by-path", "/dev/dri/by-path", read_only=True))
    if setup.get("models"):
        found.append(_mount("bind", f"{FOLDER}models.ini", "/setup/models.ini", read_only=True))
    return found


def _caddy(choice: Raw, setup: Raw, needs: Raw, image: str) -> dict[str, Any]:
    proxy = choice["proxy"]
    auth = proxy.get("auth") or {}
    ports = [proxy["port"], *([setup["webui_port"]] if "open-webui" in choice["clients"] else [])]
    if needs.get("exposure") == "internet":
        ports.append(80)
    return _container(
        setup,
        "caddy",
        image,
        required=["SITE_HOST", *([auth["env"]] if auth.get("kind") == "api-key" else [])],
        mounts=[
            _mount("bind", f"{FOLDER}Caddyfile", "/etc/caddy/Caddyfile", read_only=True),
            _mount("volume", f"{setup['name']}-caddy-data", "/data"),
            _mount("volume", f"{setup['name']}-caddy-config", "/config"),
        ],
        ports=[{"address": "", "host": port, "container": port} for port in ports],
        cap_add=["NET_BIND_SERVICE"],
        cap_drop=["ALL"],
    )


def _webui(choice: Raw, setup: Raw, image: str) -> dict[str, Any]:
    settings, inside = choice["settings"], f"http://{choice['server']['id']}:{choice['container']['port']}"
    environment: dict[str, str] = {}
    if choice["connection"].get("ollama_url"):
        environment |= {"ENABLE_OPENAI_API": "false", "OLLAMA_BASE_URL": inside}
    else:
        environment |= {"ENABLE_OLLAMA_API": "false", "OPENAI_API_BASE_URL": f"{inside}/v1"}
        if not setup["own_key"]:
            environment["OPENAI_API_KEY"] = "none"
    if setup["offline"]:
        environment |= {"OFFLINE_MODE": "true", "HF_HUB_OFFLINE": "1"}
    if setup["caddy"]:
        environment |= {"WEBUI_SESSION_COOKIE_SECURE": "true", "WEBUI_AUTH_COOKIE_SECURE": "true"}
    key = settings["auth"]["env"] if setup["own_key"] and "OPENAI_API_BASE_URL" in environment else ""
    return _container(
        setup,
        "open-webui",
        image,
        environment=environment,
        required=["WEBUI_SECRET_KEY"],
        # What the server calls its key has another name here.
        renamed={"OPENAI_API_KEY": key} if key else {},
        mounts=[_mount("volume", f"{setup['name']}-open-webui", "/app/backend/data")],
        ports=[] if setup["caddy"] else [{"address": "127.0.0.1", "host": 3000, "container": 8080}],
        by_itself=False,
    )


def _mount(kind: str, source: str, target: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"kind": kind, "source": source, "target": target, "read_only": read_only}
