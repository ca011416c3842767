"""A plan for a cluster under another stack than the one that was recommended: `write --target kubeai`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.errors import NothingFitsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Raw = Mapping[str, Any]


def on_stack(plan: Raw, targets: Sequence[str]) -> tuple[Raw, list[str], list[str]]:
    """The plan under the stack that is named among the targets.

    Args:
        plan: `Plan.to_json()`.
        targets: ids of targets.

    Returns:
        the plan, unchanged where it has no cluster or no stack is named; the stack that took the place of the recommended one, in a list; and
        the targets without stacks.

    Raises:
        NothingFitsError: where the stack cannot serve the plan.
        UsageError: where two stacks are named.
    """
    choice = plan["choice"]
    cluster = choice.get("cluster") or {}
    if not cluster:
        return plan, [], list(targets)
    known = {cluster["id"], *cluster.get("stacks", {}), *cluster.get("cannot", {})}
    named = sorted({id_ for id_ in targets if id_ in known})
    rest = [id_ for id_ in targets if id_ not in known]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} both run the server.", place="--target", hint="Name one of them.")
    if not named or named[0] == cluster["id"]:
        return plan, [], rest
    id_ = named[0]
    if reason := cluster["cannot"].get(id_):
        raise NothingFitsError(f"the target {id_!r} cannot serve this plan: {reason}", place="--target", hint=_others(cluster))
    part = dict(cluster["stacks"][id_])
    changed = {key: part.pop(key) for key in ("proxy", "connection", "auth")}
    before = {key: cluster[key] for key in part}
    kept = {other: entry for other, entry in cluster["stacks"].items() if other != id_}
    settings = {**choice["settings"], "cluster": id_, "auth": changed.pop("auth")}
    before |= {key: choice[key] for key in ("proxy", "connection")} | {"auth": choice["settings"]["auth"]}
    moved = {**choice, **changed, "settings": settings, "cluster": {**cluster, **part, "stacks": {**kept, cluster["id"]: before}}}
    because = f"You asked for {part['name']} with --target; {cluster['name']} was recommended."
    decisions = [item for item in plan.get("decisions", ()) if item["what"] not in {"settings.cluster", "cluster", "proxy"}]
    decisions.append({"what": "settings.cluster", "value": id_, "because": because, "by": "--target", "sources": []})
    if proxy := changed["proxy"]:
        decisions.append({"what": "proxy", "value": proxy["id"], "because": proxy["because"], "by": "exposure.proxy", "sources": []})
    return {**plan, "choice": moved, "decisions": decisions}, [id_], rest


def _others(cluster: Raw) -> str:
    """Which stacks can serve it."""
    return f"These can: {', '.join(sorted({cluster['id'], *cluster['stacks']}))}."
