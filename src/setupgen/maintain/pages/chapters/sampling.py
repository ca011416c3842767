"""Sampling: the values that plans write, by experience and by publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.examples import CARD, choice_of, model_link
from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


SHOWN = (
    "qwen/qwen3.8-27b", "google/gemma-4-31b", "openai/gpt-oss-20b", "mistral/mistral-small-3.2-24b", "zai/glm-4.7-flash", "meta/muse-glimmer-30b",
    "qwen/qwen3-coder-30b-a3b", "liquidai/lfm2.5-8b-a1b",
)  # fmt: skip
VALUES = ("temperature", "top_p", "top_k", "min_p")


def by_experience(pack: Pack) -> Iterator[str]:
    """Model and sampler values of a writing plan under each experience."""
    rows = []
    for id_, entry in pack.vocabulary("experiences").items():
        choice = choice_of(pack, {**CARD, "use_case": "creative-writing", "experience": id_})
        if choice:
            rows.append([entry["label"], model_link(choice.model), *(_value(choice.sampling, name) for name in VALUES)])
    yield from table(["Experience", "Model", *(f"`{name}`" for name in VALUES)], rows, numbers=(2, 3, 4, 5))


def by_publisher(pack: Pack) -> Iterator[str]:
    """What publishers recommend for well-known models, one row for each use that has values of its own."""
    rows = []
    for id_ in SHOWN:
        if id_ not in pack.models:
            continue
        model = pack.models[id_]
        for use, values in model.sampling.items():
            others = ", ".join(f"{name} {value:g}" for name, value in values.items() if name not in VALUES)
            rows.append([model_link(model), "any" if use == "default" else use, *(_value(values, name) for name in VALUES), others])
    yield from table(["Model", "For", *(f"`{name}`" for name in VALUES), "Also"], rows, numbers=(2, 3, 4, 5))


def _value(values: object, name: str) -> str:
    found = values.get(name) if hasattr(values, "get") else None
    return "" if found is None else f"{found:g}"


PARTS = {"by-experience": by_experience, "by-publisher": by_publisher}
