"""All checks of a fleet: every host at once, then the proxy, then whether the copies of a model are alike.

The proxy comes after the hosts, because its questions would slow down what is measured there. Servers behind one address are asked in turn
for the same reason.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from setupgen.verify.examination import IDS, Examination, examine
from setupgen.verify.results import BROKEN, KEPT, SKIPPED, UNCLEAR, Result, counts
from setupgen.verify.session import skipped, unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from setupgen.verify.examination import Watcher
    from setupgen.verify.fleet import Fleet, Front, Member
    from setupgen.verify.promise import Promise
    from setupgen.verify.session import Options

AT_ONCE = 16
OF_THE_PROXY = frozenset({"health", "certificate", "key", "exposure", "model", "chat", "streaming", "tools", "embeddings"})
"""What is asked of a proxy; speed and context are the hosts'."""
ONCE = frozenset({"health", "certificate", "key", "exposure"})
"""Of these, what is the same for every model behind it."""
TOLD = {"context": "context", "parameters": "parameters", "bytes": "bytes of weights", "digest": "digest of weights"}


@dataclass(frozen=True)
class FleetExamination:
    """What was found: of each member, of the proxy, and of the fleet as a whole."""

    fleet: Fleet
    members: Mapping[str, Examination]
    front: tuple[Result, ...]
    results: tuple[Result, ...]

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        members = []
        if self.fleet.front:
            url, title = self.fleet.front.url, f"proxy ({self.fleet.front.id})"
            members.append({"role": "proxy", "title": title, "url": url, "setup": None, **_judged(self.front)})
        members += [{"role": "host", "title": name, **found.to_json()} for name, found in self.members.items()]
        everything = [*self.results, *self.front, *(result for found in self.members.values() for result in found.results)]
        return {
            "url": self.fleet.front.url if self.fleet.front else "",
            "verdict": _judged(everything)["verdict"],
            "setup": None,
            "checks": [result.to_json() for result in self.results],
            "counts": counts(everything),
            "members": members,
        }


def _judged(results: Sequence[Result]) -> dict[str, Any]:
    verdict = BROKEN if any(result.status == BROKEN for result in results) else KEPT
    return {"verdict": verdict, "checks": [result.to_json() for result in results], "counts": counts(results)}


def examine_fleet(fleet: Fleet, options: Options, watcher: Watcher | None = None) -> FleetExamination:
    """Asks every host and the proxy.

    Args:
        fleet: what is promised.
        options: how to ask.
        watcher: is told how far each of them is, from several threads.
    """
    found: dict[str, Examination] = {}

    def ask(members: list[Member]) -> None:
        for member in members:
            found[member.name] = examine(member.promise, options, watcher, member.name)

    groups: dict[str, list[Member]] = {}
    for member in fleet.members:
        groups.setdefault(member.promise.base.host, []).append(member)
    _at_once([lambda members=members: ask(members) for members in groups.values()])  # type: ignore[misc]
    members = {member.name: found[member.name] for member in fleet.members}
    front = tuple(_front(fleet.front, options, watcher)) if fleet.front else ()
    return FleetExamination(fleet, members, front, tuple(_fleet(fleet, members)))


def _at_once(tasks: Sequence[Callable[[], None]]) -> None:
    """Runs all of them, some at a time; an interruption ends the wait, not the threads, which end with the program."""
    room, errors = threading.Semaphore(AT_ONCE), []

    def one(task: Callable[[], None]) -> None:
        with room:
            try:
                task()
            except Exception as error:  # noqa: BLE001 - raised below, where somebody sees it
                errors.append(error)

    threads = [threading.Thread(target=one, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
    if errors:
        raise errors[0]


def _front(front: Front, options: Options, watcher: Watcher | None) -> Iterator[Result]:
    """The proxy: itself once, and every model through it."""
    several = len(front.promises) > 1
    for index, (alias, promise) in enumerate(sorted(front.promises.items())):
        wanted = OF_THE_PROXY if not index else OF_THE_PROXY - ONCE
        skip = options.skip | (frozenset(IDS) - wanted)
        found = examine(_asked(promise), replace(options, skip=skip), watcher, f"proxy {alias}")
        for result in found.results:
            if result.id == "weights":
                continue
            own = several and result.id not in ONCE
            yield replace(result, label=f"{result.label}, {alias}") if own else result
        if any(result.id == "health" and result.status == BROKEN for result in found.results):
            for other in sorted(front.promises)[1:]:
                yield skipped("chat", f"Chat, {other}", "the proxy is not up")
            return


def _asked(promise: Promise) -> Promise:
    """A model behind the proxy; what the host's own plan says of its runtime is not the proxy's."""
    return promise if promise.urls else replace(promise, urls={"openai": f"{promise.base}/v1"})


def _fleet(fleet: Fleet, members: Mapping[str, Examination]) -> Iterator[Result]:
    """Which hosts answer, and whether the copies of each model are alike."""
    dead = [name for name, found in members.items() if any(result.id == "health" and result.status == BROKEN for result in found.results)]
    total = len(members)
    promised, measured = f"{total} of {total} answer", f"{total - len(dead)} of {total} answer"
    if dead:
        lost = sorted({member.alias for member in fleet.members} - {member.alias for member in fleet.members if member.name not in dead})
        text = f"{_few(dead)} {'does' if len(dead) == 1 else 'do'} not answer as promised."
        text += f" Nobody serves {_few(lost)} now." if lost else " Every model has another host, with less room than promised."
        yield Result(
            "hosts", "Hosts", BROKEN, promised, measured, text, "Start them as their README.md says, or take them out of the inventory."
        )
    else:
        yield Result("hosts", "Hosts", KEPT, promised, measured)
    if not fleet.front:
        yield skipped("proxy", "Proxy", "a cluster takes its place: its own tools tell how it is")
    for alias in sorted({member.alias for member in fleet.members}):
        copies = [member for member in fleet.members if member.alias == alias]
        if len(copies) > 1:
            yield _alike(alias, [member for member in copies if member.name not in dead], members)


def _alike(alias: str, copies: Sequence[Member], members: Mapping[str, Examination]) -> Result:
    """A proxy sends a request to any copy: under one name, there must be one model with one context."""
    label, promised, started = f"Copies of {alias}", "all alike", time.monotonic()
    if len(copies) < 2:  # noqa: PLR2004 - one is like itself
        return Result("alike", label, SKIPPED, "", "", "fewer than two of its hosts answer")
    unnamed = [member.name for member in copies if _status(members[member.name], "model") == BROKEN]
    if unnamed:
        text = (
            f"{_few(unnamed)} {'does' if len(unnamed) == 1 else 'do'} not list it under this name, and a proxy matches names to the letter."
        )
        fix = "Give every copy the same full name: pull the same tag, or start the server with the same alias."
        return Result("alike", label, BROKEN, promised, "names differ", text, fix)
    compared = []
    for key, words in TOLD.items():
        values = {member.name: members[member.name].told.get(key) for member in copies}
        known = {name: value for name, value in values.items() if value}
        if len(set(known.values())) > 1:
            shown = "; ".join(f"{name} {_shown(value)}" for name, value in sorted(known.items()))
            text = f"The {words} differs: {shown}. Which one a client gets is chance."
            fix = "Start every copy with its written files, from the same plan."
            return Result("alike", label, BROKEN, promised, f"{words} differs", text, fix, time.monotonic() - started)
        if len(known) == len(copies):
            compared.append(f"{_shown(next(iter(known.values())))} {words}" if key != "digest" else words)
    if not compared:
        return unclear("alike", label, promised, "same name", "Their servers do not say more of the model than its name.")
    return Result("alike", label, KEPT, promised, f"same {', '.join(compared)}")


def _status(found: Examination, id_: str) -> str:
    return next((result.status for result in found.results if result.id == id_), UNCLEAR)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)[:16]


def _few(names: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
