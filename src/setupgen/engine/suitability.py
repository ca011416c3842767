"""Whether a model suits a need at all, and where its weights come from for a server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from setupgen.engine.host import Host
    from setupgen.knowledge import Head, Model, Server, Weights

_PLAIN = re.compile(r"/[A-Za-z0-9._-]+$")
_PART = re.compile(r"-[0-9]{5}-of-[0-9]{5}")
LICENSES = {"any": ("open", "commercial", "restricted"), "commercial": ("open", "commercial"), "open": ("open",)}


def model_reason(host: Host, model: Head | Model) -> tuple[str, str] | None:
    """Why the model is out of the question for this need, as (formula id, sentence), or `None`.

    A model that somebody insists on is refused only where it cannot work, not where it is merely not recommended.
    """
    needs = host.needs
    insisted = bool(needs.model) and model.id == needs.model
    if needs.model and not insisted:
        return "needs.model", f"You asked for {host.pack.heads[needs.model].name}."
    if model.license_class not in LICENSES[needs.license]:
        return (
            "model.license",
            f"The licence of {model.name} ({model.license_id}) is {model.license_class}, and you asked for {needs.license}.",
        )
    task = host.use_case["task"]
    tasks = {task} | ({"rerank"} if task == "embedding" and insisted else set()) | ({"text-to-speech"} if insisted else set())
    if not tasks & set(model.tasks):
        return "model.task", f"{model.name} is made for {', '.join(model.tasks)}, not for {host.use_case['label'].lower()}."
    missing = [name for name in host.use_case["capabilities"] if name not in model.capabilities]
    if missing:
        return "model.capabilities", f"{model.name} lacks {', '.join(missing)}, which {host.use_case['label'].lower()} needs."
    newer = model.superseded_by
    if newer and not insisted:
        successor = host.pack.heads[newer].name if newer in host.pack.heads else newer
        return "model.superseded", f"{model.name} has been superseded by {successor}."
    if not insisted and not model.use_cases.get(needs.use_case):
        return "model.use_case", f"No source recommends {model.name} for {host.use_case['label'].lower()}."
    return _context_reason(host, model)


def _context_reason(host: Host, model: Head | Model) -> tuple[str, str] | None:
    needs = host.needs
    assumed = host.facts.origins.get("needs.context") == "assumed"
    minimum = int(host.use_case["minimum_context"])
    least = minimum if needs.context <= 0 else min(minimum, needs.context) if assumed else needs.context
    if model.maximum_context < least:
        return "model.context", f"{model.name} takes at most {model.maximum_context} tokens of context, and {least} are needed."
    return None


def server_reason(host: Host, server: Server, model: Model) -> tuple[str, str] | None:
    """Why the server cannot run this model at all, as (formula id, sentence), or `None`."""
    settings = server.settings
    tasks = settings.get("tasks")
    if tasks and not set(tasks) & set(model.tasks):
        return "server.models", f"{server.name} does not serve models for {', '.join(model.tasks)}."
    if model.architecture.type in settings.get("lacks_architectures", ()):
        return (
            "server.models",
            f"{server.name} {server.version} does not know the architecture of {model.name} ({model.architecture.type}).",
        )
    if host.needs.offline and server.raw.get("pulls") in {"url", "repository-file", "hub-tag"} and not host.needs.weights_file:
        instead = "nothing else is set up" if settings.get("takes_file") is False else "it needs a file that is there (--weights-file)"
        return "server.models", f"{server.name} fetches its models itself; without a network {instead}."
    if "vision" in host.use_case["capabilities"] and server.raw.get("features", {}).get("multimodal") is False:
        because = settings.get("pictures_because")
        return "server.models", f"{server.name} reads no pictures{' in the setups made here: ' + because if because else ''}."
    file = host.needs.weights_file
    if file and settings.get("takes_file") is False:
        return "server.models", f"{server.name} takes no file as it is (--weights-file): {settings['file_because']}."
    if server.raw.get("pulls") == "repository-file" and file and (not file.startswith("/") or "%" in file):
        return (
            "server.models",
            f"{server.name} takes a file by its whole path only, such as /home/me/model.gguf, without a % (--weights-file).",
        )
    if file and settings.get("plain_file_names") and not _PLAIN.search(file):
        return (
            "server.models",
            f"{server.name} takes a file whose name has only letters, digits, dots, dashes and underscores here (--weights-file).",
        )
    return _several_cards(host, server)


def _several_cards(host: Host, server: Server) -> tuple[str, str] | None:
    because = server.settings.get("one_card")
    if because and host.group and host.group.count > 1:
        return "server.models", f"Setups of {server.name} are made for one card, and there are {host.group.count}: {because}."
    return None


def source_of(server: Server, weights: Weights, *, local_file: str = "") -> str:
    """The name under which a server pulls these weights, or empty where it cannot.

    Args:
        server: the server.
        weights: the weights.
        local_file: a file that the user has already; used as it is by servers that take a file.
    """
    naming = server.raw.get("pulls", "")
    if local_file and naming in {"repository-quant", "repository-file", "url"}:
        return local_file
    if naming == "repository-file":
        whole = weights.repository and weights.file and "/" not in weights.file and not _PART.search(weights.file)
        return f"{weights.repository}/{weights.file}" if whole else ""
    if naming == "url":
        whole = weights.repository and weights.file and not _PART.search(weights.file)
        return f"https://huggingface.co/{weights.repository}/resolve/main/{weights.file}" if whole else ""
    if naming in {"ollama", "hub-tag"}:
        if weights.ollama and naming == "ollama":
            return weights.ollama
        whole = not weights.file or ("/" not in weights.file and not _PART.search(weights.file))  # no source says that it pulls parts
        usable = weights.repository and weights.format == "gguf" and tag_finds_file(weights) and whole
        return f"hf.co/{weights.repository}:{hub_label(weights)}" if usable else ""
    if naming == "repository-quant" and weights.repository:
        return f"{weights.repository}:{weights.quant}" if tag_finds_file(weights) else weights.repository
    return weights.repository


def tag_finds_file(weights: Weights) -> bool:
    """Whether ``repository:quant`` leads to the file: llama.cpp looks for the quantisation before a dot or a dash in file names."""
    file, quant = weights.file.lower(), weights.quant.lower()
    return not file or f"{quant}." in file or f"{quant}-" in file


def hub_label(weights: Weights) -> str:
    """The name that the Hub gives a file's quantisation, which keeps the mark of Unsloth's own mixtures."""
    marked = f"UD-{weights.quant}"
    return marked if marked in weights.file else weights.quant


def bits_per_weight(model: Model, size: int) -> float:
    """Average bits per weight of these weights."""
    return size * 8 / max(model.total_parameters, 1)
