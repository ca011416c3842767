"""Is it up, who can reach it, and does it ask for the key?"""

from __future__ import annotations

import ipaddress
import sys
import time
from typing import TYPE_CHECKING, Any

from setupgen.verify.address import Address
from setupgen.verify.client import OK, Client, Reply, accepts, refusal, said
from setupgen.verify.promise import SPEECH, VECTORS
from setupgen.verify.questions import hello
from setupgen.verify.results import BROKEN, KEPT, UNCLEAR, Result
from setupgen.verify.session import FORBIDDEN, LOADING, Session, skipped, unclear
from setupgen.verify.trouble import Trouble, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL_S = 1.0
MOST_ADDRESSES = 16
OTHER_LOOPBACK = "127.0.0.2"
"""On Linux a second loopback address: who listens on all addresses answers there, who listens on 127.0.0.1 does not."""

ALL_OF_IT = 0.99
OTHER_SIZE = 0.15
"""Share by which the number of parameters may differ, for how differently they are counted."""

NOT_FOR_STRANGERS = frozenset({400, 401, 403, 421})
"""How a server may refuse one who asks for it by another address."""

_WRONG = "setupgen-verify-wrong-key"


def health(session: Session) -> Iterator[Result]:
    """It answers that it is well; a server that is still loading gets the time that the user gave."""
    started = time.monotonic()
    until = started + session.options.wait_s
    label, promised = "Health", "up"
    while True:
        left = until - time.monotonic()
        try:
            reply = session.client.get(session.promise.health_url)
        except Trouble as trouble:
            if left > 0 and trouble.kind in {"refused", "reset", "ended-early", "silent"}:
                time.sleep(min(POLL_S, left))
                continue
            session.dead = "the server is not up"
            yield session.failed("health", label, promised, trouble, started=started)
            return
        if reply.status in LOADING and left > 0:
            time.sleep(min(POLL_S, left))
            continue
        break
    seconds = time.monotonic() - started
    if reply.status in OK:
        yield Result("health", label, KEPT, promised, f"up, answered in {reply.seconds:.2f} s", seconds=seconds)
        return
    words = said(reply)
    text = f"{session.promise.health_url} answered {reply.status}{f': {words}' if words else ''}."
    fix = "Give the address of the setup itself with --url, or see what listens there."
    if reply.status in LOADING:
        session.dead = "the server is not ready"
        fix = "Wait until the model is downloaded and loaded: `setupgen verify DIR --wait 600` does. Its log says how far it is."
    yield Result("health", label, BROKEN, promised, f"status {reply.status}", text, fix, seconds)


def certificate(session: Session) -> Iterator[Result]:
    """Whoever answers proved to be the setup."""
    promise, found = session.promise, session.trust
    if not promise.base.tls:
        if promise.plan["choice"].get("proxy") and (promise.plan["choice"]["proxy"] or {}).get("tls"):
            yield unclear(
                "certificate", "TLS", "encrypted", "not asked for", f"{promise.base} is the server behind the proxy; TLS was not tried."
            )
        return
    if found.proven:
        yield Result("certificate", "TLS", KEPT, "encrypted, proven", f"certificate checked {found.how}")
        return
    reason = found.trouble.text if found.trouble else ""
    fix = "Fetch the root certificate of Caddy's own authority as README.md says under Check, into caddy-root.crt beside it, and run this again."
    if promise.base.is_loopback and promise.exposure != "internet":
        text = f"Encrypted, but nothing proves who answers: {reason} The key was sent because it does not leave this host."
        yield Result("certificate", "TLS", UNCLEAR, "encrypted, proven", "encrypted only", text, fix)
        return
    session.dead = "nothing proves who answers, so no key was sent"
    if promise.exposure == "internet":
        fix = "Caddy fetches a public certificate once the name leads here and ports 80 and 443 are open: look at its log."
    yield Result("certificate", "TLS", BROKEN, "encrypted, proven", "not proven", f"{reason[:1].upper()}{reason[1:]}", fix)


def key(session: Session) -> Iterator[Result]:
    """Without the key, and with a wrong one, there is no answer."""
    promise = session.promise
    if not promise.key:
        return
    started, label, promised = time.monotonic(), "Key", "asked for"
    found: list[tuple[str, int]] = []
    for what, client in (("without a key", session.client.without_key()), ("with a wrong key", Client(_WRONG, session.client.context))):
        try:
            found.append((what, _smallest(client, session).status))
        except Trouble as trouble:
            yield session.failed("key", label, promised, trouble, started=started)
            return
    seconds = time.monotonic() - started
    wrong = [(what, status) for what, status in found if status not in FORBIDDEN]
    if not wrong:
        text = "401 without it" if found[0][1] == 401 else f"{found[0][1]} without it"  # noqa: PLR2004 - the status itself
        yield Result("key", label, KEPT, promised, text, seconds=seconds)
        return
    answered = " and ".join(f"{status} {what}" for what, status in wrong)
    open_ = any(status in OK for _, status in wrong)
    text = f"The plan promises that {promise.key_name} is asked for, and {promise.base} answered {answered}." + (
        " Whoever reaches it can use it." if open_ else ""
    )
    fix = f"Start the server with the environment of .env, so that it reads {promise.key_name}; then stop and start it again."
    yield Result("key", label, BROKEN, promised, "answers anybody" if open_ else f"status {wrong[0][1]}", text, fix, seconds)


def exposure(session: Session) -> Iterator[Result]:
    """What is local is reached from this host only; behind a proxy only the proxy is reached."""
    promise = session.promise
    label = "Reach"
    if promise.runtime == "kubernetes":
        yield skipped("exposure", label, "a cluster decides who reaches a service")
        return
    own = set(session.options.addresses)
    here = promise.base.is_loopback or _plain(promise.base.host) in {_plain(one) for one in own}
    port = promise.base.port if promise.exposure == "local" else promise.backend_port
    promised = "this host only" if promise.exposure == "local" else "only the proxy"
    if not port:
        return
    if not here:
        if promise.exposure == "local":
            text = f"The plan promises that only its own host can reach it, and it answered {promise.base} from another machine."
            yield Result("exposure", label, BROKEN, promised, "reached from afar", text, _BIND)
        else:
            yield skipped("exposure", label, "only the host itself can tell what else listens there; run this there")
        return
    others = [one for one in session.options.addresses if not ipaddress.ip_address(_plain(one)).is_loopback][:MOST_ADDRESSES]
    if sys.platform == "linux":
        others.append(OTHER_LOOPBACK)
    if not others:
        yield unclear("exposure", label, promised, "not tried", "This host has no other address at which to try.")
        return
    started = time.monotonic()
    open_at = [one for one in others if accepts(one, port)]
    seconds = time.monotonic() - started
    if not open_at:
        shown = f"refused at {others[0]}" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
        yield Result("exposure", label, KEPT, promised, shown, seconds=seconds)
        return
    real = [one for one in open_at if one != OTHER_LOOPBACK] or open_at
    if not any(_is_it(session, one, port) for one in open_at):
        text = f"Port {port} takes connections at {', '.join(real[:4])} too, but something else answers there than this server."
        yield unclear(
            "exposure", label, promised, "another program there", text, "Move one of the two to another port: they are easily mistaken."
        )
        return
    text = (
        f"Port {port} also takes connections at {', '.join(real[:4])}: it listens on other addresses than 127.0.0.1, so others may reach it"
        + (" without a key." if not promise.key else ".")
    )
    yield Result("exposure", label, BROKEN, promised, f"open at {real[0]}", text, _BIND, seconds, {"open_addresses": len(real)})


def _is_it(session: Session, host: str, port: int) -> bool:
    """Whether this server answers there too: yes, unless what answers is clearly something else. No key is sent."""
    promise, client = session.promise, session.client.without_key()
    path = promise.health_url.removeprefix(str(promise.base)) if promise.exposure == "local" else "/"
    scheme = promise.base.scheme if promise.exposure == "local" else "http"
    replies = []
    for name in (promise.base.host if promise.base.is_loopback else "127.0.0.1", host):
        try:
            replies.append(client.get(f"{Address(scheme, name, port)}{path}"))
        except Trouble as trouble:
            return not (name == host and trouble.kind == "not-http")
    here, there = replies
    unlike = here.headers.get("content-type") != there.headers.get("content-type") or here.status != there.status
    return not (unlike and here.status in OK and there.status not in NOT_FOR_STRANGERS)


_BIND = "Bind it to 127.0.0.1 (--host 127.0.0.1, OLLAMA_HOST=127.0.0.1, or publish 127.0.0.1:PORT:PORT): Docker opens published ports past the firewall."


def models(session: Session) -> Iterator[Result]:
    """The model is listed under the name that clients use."""
    promise = session.promise
    started, label = time.monotonic(), "Model"
    try:
        entries = entries_of(session)
    except Trouble as trouble:
        yield session.failed("model", label, promise.model, trouble, started=started)
        return
    seconds, names = time.monotonic() - started, names_of(entries)
    wanted = {promise.model, f"{promise.model}:latest"}
    if wanted & set(names):
        yield Result("model", label, KEPT, promise.model, "listed", seconds=seconds, numbers={"models": len(entries)})
        yield from _weights(session, next(entry for entry in entries if wanted & set(names_of([entry]))))
        return
    shown = ", ".join(excerpt(name, 60) for name in names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")  # noqa: PLR2004
    text = f"Clients ask for {promise.model}, and the server lists {shown or 'no model at all'}."
    fix = "Start the server with the alias of the plan, or write the setup again if you changed the model."
    if promise.server == "ollama":
        fix = f"Make it under that name: `ollama create {promise.model} -f Modelfile`, or pull it, as README.md says."
    yield Result(
        "model", label, BROKEN, promise.model, excerpt(names[0], 40) if names else "none", text, fix, seconds, {"models": len(names)}
    )


def _weights(session: Session, entry: dict[str, Any]) -> Iterator[Result]:
    """What the server says of the model behind the name: how large it is, and its context, which a later check compares."""
    meta = entry.get("meta")
    told = meta if isinstance(meta, dict) else {}
    contexts = (told.get("n_ctx"), entry.get("max_model_len"))
    session.told_context = next((context for context in contexts if isinstance(context, int) and context > 0), 0)
    session.told = {
        "context": session.told_context,
        "parameters": told.get("n_params"),
        "bytes": told.get("size"),
        "digest": entry.get("digest"),
    }
    plan = session.promise.plan["choice"]
    planned, runs = plan.get("model", {}).get("total_parameters"), told.get("n_params")
    if not isinstance(planned, int) or not isinstance(runs, int) or min(planned, runs) <= 0:
        return
    label, promised, measured = "Weights", f"{_count(planned)} parameters", f"{_count(runs)} parameters"
    if 1 - OTHER_SIZE < runs / planned < 1 + OTHER_SIZE:
        yield Result("weights", label, KEPT, promised, measured)
        return
    session.measured["other_model"] = True
    text = f"Under the name {session.promise.model} another model runs than the plan's: its speed, memory and answers are not those of the plan."
    if plan["settings"].get("weights_file"):
        text += " The plan was made for a file of your own, so it may be meant."
        yield unclear("weights", label, promised, measured, text, "Give the file of the planned model, or plan for the model of the file.")
        return
    yield Result("weights", label, BROKEN, promised, measured, text, "Start the server with the weights of the plan.")


def loaded(session: Session) -> Iterator[Result]:
    """What Ollama says of a model that it holds: its context, and how much of it lies on the accelerator."""
    promise = session.promise
    if promise.server != "ollama" or "ollama" not in promise.urls:
        return
    label, url = "On the accelerator", f"{promise.urls['ollama']}/api/ps"
    try:
        reply = session.client.get(url)
        found = reply.document() if reply.status in OK else None
    except Trouble:
        return  # a proxy between may keep it to itself; nothing was promised about this path
    entries = found.get("models") if isinstance(found, dict) else None
    wanted = {promise.model, f"{promise.model}:latest"}
    entry = next((one for one in entries if isinstance(one, dict) and one.get("name") in wanted), {}) if isinstance(entries, list) else {}
    context, size, there = (entry.get(name) for name in ("context_length", "size", "size_vram"))
    if isinstance(context, int) and context > 0:
        session.told_context = context
        session.told |= {"context": context, "digest": entry.get("digest")}
    choice = promise.plan["choice"]
    whole = choice.get("backend") != "cpu" and (choice["settings"].get("offload") or {}).get("kind") == "full"
    if not whole or not isinstance(size, int) or not isinstance(there, int) or size <= 0:
        return
    share = min(there / size, 1)
    numbers: dict[str, float | int | str | bool] = {"share_on_device": share}
    if share >= ALL_OF_IT:
        yield Result("loaded", label, KEPT, "all of it", "all of it", numbers=numbers)
        return
    text = f"Ollama put {share:.0%} of the model on the accelerator; the rest is read from main memory, at its speed."
    fix = "Close what else uses the accelerator's memory, and look at `ollama ps`; then a smaller context or quantisation."
    yield Result("loaded", label, BROKEN, "all of it", f"{share:.0%}", text, fix, 0, numbers)


def _count(value: int) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:,}"


def names_of(entries: list[dict[str, Any]]) -> list[str]:
    """The names under which the server offers models."""
    names: list[str] = []
    for entry in entries:
        names += [str(entry[key]) for key in ("id", "name", "model") if isinstance(entry.get(key), str)]
        aliases = entry.get("aliases")
        names += [str(alias) for alias in aliases] if isinstance(aliases, list) else []
    return list(dict.fromkeys(names))


def entries_of(session: Session) -> list[dict[str, Any]]:
    """The entries of the server's list of models.

    Raises:
        Trouble: where it gives none.
    """
    urls = session.promise.urls
    if "openai" in urls:
        url, place = f"{urls['openai']}/models", "data"
    elif "ollama" in urls:
        url, place = f"{urls['ollama']}/api/tags", "models"
    else:
        url, place = f"{urls['anthropic']}/v1/models", "data"
    reply = session.client.get(url)
    if reply.status not in OK:
        raise refusal(reply, url)
    document = reply.document()
    found = document.get(place) if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise Trouble(
            "shape", f"the list of models has another shape than its API promises: {excerpt(reply.body.decode('utf-8', 'replace'), 80)}."
        )
    return found


def _smallest(client: Client, session: Session) -> Reply:
    """The cheapest request that a stranger must not be able to make."""
    promise = session.promise
    if promise.task == SPEECH:
        return client.post(f"{promise.urls.get('openai', promise.base)}/audio/transcriptions", {})
    if promise.task == VECTORS and "openai" in promise.urls:
        return client.post(f"{promise.urls['openai']}/embeddings", {"model": promise.model, "input": "a"}, session.limits())
    dialect = session.dialect()
    document = dialect.request(hello(), stream=False)
    document["max_tokens"] = 1
    return client.post(dialect.url, document, session.limits())


def _plain(host: str) -> str:
    return host.partition("%")[0].lower()
