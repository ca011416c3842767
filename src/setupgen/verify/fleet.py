"""A fleet's folder: every server that its plan placed on a host, and the proxy in front of them, as promises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from setupgen.engine.plan import path_of
from setupgen.errors import UsageError, shorten_path
from setupgen.verify import address
from setupgen.verify.promise import DIALECTS, TEXT, Expected, Promise, read_document, read_plan, read_promise, secrets_of, usable_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FLEET, PROXY = "setupgen.fleet.json", "proxy"
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - what a proxy is bound to, not what we bind to
_AGAIN = "Write the fleet again with `setupgen fleet INVENTORY -o DIR`."


@dataclass(frozen=True)
class Member:
    """One server on one host."""

    name: str
    host: str
    alias: str
    promise: Promise


@dataclass(frozen=True)
class Front:
    """The proxy: a promise for each model behind it, by the name that clients ask for."""

    id: str
    url: str
    promises: Mapping[str, Promise]


@dataclass(frozen=True)
class Fleet:
    """What a fleet's folder promises; `front` is nothing where a cluster takes the proxy's place."""

    folder: Path
    members: tuple[Member, ...]
    front: Front | None


def is_fleet(folder: Path) -> bool:
    """Whether a folder is a fleet's."""
    return (folder / FLEET).is_file()


def read_fleet(folder: Path, *, url: str = "", endpoints: Mapping[str, str], expected: Callable[[Mapping[str, Any]], Expected]) -> Fleet:
    """The fleet of a folder.

    Args:
        folder: what `setupgen fleet` wrote.
        url: where its proxy is reached, if not where its plan says.
        endpoints: paths of the proxy's APIs, from the knowledge base; empty for one that passes on what it gets.
        expected: what the knowledge base adds to a plan.

    Raises:
        UsageError: where the folder is not whole.
    """
    place = str(folder / FLEET)
    document = read_document(folder / FLEET, missing=f"holds no {FLEET}.")
    placements, backends = document.get("placements"), document.get("backends") or []
    keys = ("name", "host", "folder", "address", "alias")
    if not isinstance(placements, list) or not all(
        isinstance(one, dict) and all(isinstance(one.get(key), str) for key in keys) for one in placements
    ):
        raise UsageError("is no plan of a fleet.", place=place, hint=_AGAIN)
    if not placements:
        raise UsageError("places no server on any host, so nothing was promised.", place=place, hint=_AGAIN)
    secrets = secrets_of(folder / PROXY)
    headers = (
        {one.get("name"): _headers(one, secrets, place) for one in backends if isinstance(one, dict)} if isinstance(backends, list) else {}
    )
    members = []
    for one in sorted(placements, key=lambda one: str(one["name"])):
        inside = PurePosixPath(one["folder"])
        if inside.is_absolute() or ".." in inside.parts:
            raise UsageError(f"{shorten_path(one['folder'])!r} is no folder of this fleet.", place=place, hint=_AGAIN)
        path = folder / inside
        promise = read_promise(path, url=one["address"], expected=expected(read_plan(path)))
        users = one.get("users")
        users = users if isinstance(users, int) and users > 0 else promise.users
        promise = replace(promise, users=users, headers=headers.get(one["name"], {}), model=one["alias"])
        members.append(Member(one["name"], one["host"], one["alias"], promise))
    return Fleet(folder, tuple(members), _front(folder, document, members, url, endpoints))


def _headers(backend: Mapping[str, Any], secrets: Mapping[str, str], place: str) -> dict[str, str]:
    """Headers that a host wants beside its key; those whose variable has no value are left out, and the host will say so."""
    found: dict[str, str] = {}
    headers = backend.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        text = secrets.get(str(value.get("env")), "") if isinstance(value, dict) else str(value)
        if text:
            found[str(name)] = usable_secret(text, str(name), place, spaces=True)
    return found


def _front(folder: Path, document: Mapping[str, Any], members: list[Member], url: str, endpoints: Mapping[str, str]) -> Front | None:
    proxy, place = document.get("proxy"), f"{folder / FLEET}, proxy"
    if not isinstance(proxy, dict) or not isinstance(proxy.get("id"), str):
        raise UsageError("is no plan of a proxy.", place=place, hint=_AGAIN)
    if not isinstance(proxy.get("port"), int):
        return None
    bind, auth = str(proxy.get("bind") or ""), proxy.get("auth")
    host = "127.0.0.1" if bind in EVERYWHERE else f"[{bind}]" if ":" in bind else bind
    base = address.parse(url or f"{'https' if proxy.get('tls') else 'http'}://{host}:{proxy['port']}", "--url" if url else place)
    key_name = str(auth.get("env") or "") if isinstance(auth, dict) and auth.get("kind") == "api-key" else ""
    key = secrets_of(folder / PROXY).get(key_name, "") if key_name else ""
    if key_name:
        key = usable_secret(key, key_name, str(folder / PROXY / ".env"))
    promises: dict[str, Promise] = {}
    for member in members:
        if member.alias in promises:
            continue
        behind = [other.promise for other in members if other.alias == member.alias]
        tails = {name: endpoints[name] for name in DIALECTS if name in endpoints and any(name in one.urls for one in behind)}
        if not endpoints:  # it passes on what it gets; the path chooses the model
            start = f"/{quote(path_of(member.alias))}"
            tails = {name: start + ("/v1" if name == "openai" else "") for name in DIALECTS if all(name in one.urls for one in behind)}
        promises[member.alias] = replace(
            member.promise,
            base=base,
            urls={name: f"{base}{tail}" for name, tail in tails.items()},
            health_url=f"{base}{endpoints.get('health') or '/health'}",
            server=str(proxy["id"]),
            key=key,
            key_name=key_name,
            exposure="lan" if key_name else "local",
            runtime="native",
            headers={},
            speed={},
            backend_port=0,
            rerank_url="",
            vision=member.promise.vision and member.promise.task == TEXT,
        )
    return Front(str(proxy["id"]), str(base), promises)
