"""A file for `knowledge/measurements/` out of what was measured, or the reason why there is none."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from setupgen.verify.results import BROKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from setupgen.verify.examination import Examination

USER_PROMPT_TOKENS = 64
"""About how much is in the cache of each of several users when their speed is taken."""
_FACTS = ("context", "parallel", "cache_type_k", "cache_type_v", "flash_attention", "tensor_parallel", "ubatch")


class Refused(Exception):  # noqa: N818 - a sentence for the user
    """Why there is nothing to contribute."""


def measurement(found: Examination, *, device_of_cpu: Callable[[str], str], today: dt.date | None = None) -> tuple[str, dict[str, Any]]:
    """The name of the file below `knowledge/measurements/`, and what it holds.

    Args:
        found: what the running setup did.
        device_of_cpu: the id of a processor by its name, or nothing.
        today: the day of the measurement.

    Raises:
        Refused: where nothing was measured that the knowledge base could use.
    """
    plan = found.promise.plan
    choice, facts = plan["choice"], plan["facts"]
    results = _results(found)
    if found.measured.get("other_model") or any(result.id == "model" and result.status == BROKEN for result in found.results):
        raise Refused("it is not sure that the model of the plan was measured.")
    device, count = _device(choice, facts, device_of_cpu)
    model, quant, server = str(choice["model"]["id"]), str(choice["weights"]["quant"]), str(choice["server"]["id"])
    day = today or dt.datetime.now(tz=dt.UTC).date()
    settings = {key: choice["settings"][key] for key in _FACTS if isinstance(choice["settings"].get(key), str | int | float)}
    document = {
        "device": device,
        "count": count,
        "model": model,
        "quant": quant,
        "server": server,
        "version": str(choice["server"].get("version") or ""),
        "backend": str(choice.get("backend") or ""),
        "os": str(facts["needs"].get("os") or ""),
        "cpu": str((facts.get("hardware") or {}).get("cpu") or ""),
        "settings": settings,
        "command": "setupgen verify --contribute",
        "by": "a user of setupgen",
        "date": day,
        "results": results,
        "notes": list(_notes(choice, facts)),
        "sources": [],
        "reviewed": day,
    }
    name = re.sub(r"[^a-z0-9.]+", "-", f"{model.rpartition('/')[2]}-{quant}-{server}".lower()).strip("-")
    return f"{device.rpartition('/')[2]}/{name}.yaml", {key: value for key, value in document.items() if value not in ("", {})}


def _results(found: Examination) -> list[dict[str, int | float]]:
    """A row for reading, one for writing after it, and one for all users."""
    measured, rows = found.measured, []
    prompt = int(measured.get("prompt_tokens") or 0)
    if prompt and (prefill := measured.get("prefill_tps")):
        rows.append({"depth": 0, "prompt_tokens": prompt, "prefill_tps": _digits(prefill)})
    if prompt and (decode := measured.get("decode_tps")):
        rows.append({"depth": prompt, "decode_tps": _digits(decode)})
    if not rows:
        raise Refused("no speed was measured.")
    if total := measured.get("aggregate_tps"):
        rows.append({"depth": USER_PROMPT_TOKENS, "parallel": int(measured["parallel"]), "aggregate_tps": _digits(total)})
    return rows


def _device(choice: Mapping[str, Any], facts: Mapping[str, Any], device_of_cpu: Callable[[str], str]) -> tuple[str, int]:
    settings, hardware, origins = choice["settings"], facts.get("hardware") or {}, facts.get("origins") or {}
    if choice.get("backend") == "cpu":
        if origins.get("hardware.cpu") == "assumed":
            raise Refused("the processor was assumed and not named. Plan again with --cpu, or on the machine itself.")
        device = device_of_cpu(str(hardware.get("cpu") or ""))
        if not device:
            raise Refused("the knowledge base does not have this processor. Add it first (docs/contribute/hardware.md).")
        return device, 1
    if (settings.get("offload") or {}).get("kind") not in {"full", None}:
        raise Refused("a part of the model lies in main memory, and measurements are of whole models on their device.")
    devices = [device for device in hardware.get("devices") or () if isinstance(device, dict)]
    if len({device.get("id") for device in devices}) != 1 or not isinstance(devices[0].get("id"), str):
        raise Refused("a measurement is of devices of one kind.")
    return devices[0]["id"], sum(int(device.get("count") or 1) for device in devices)


def _notes(choice: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    notes = ["Measured from outside, over HTTP, as a client feels it; the model and the hardware are those that the plan names."]
    if choice["settings"].get("weights_file"):
        notes.append("The weights came out of a file of the user's own.")
    if (facts.get("origins") or {}).get("hardware.devices") == "declared":
        notes.append("The hardware was named by the user and not detected.")
    return notes


def _digits(value: float) -> float:
    """Four digits: more is noise."""
    return float(f"{value:.4g}")
