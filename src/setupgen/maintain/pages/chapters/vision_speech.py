"""Vision and speech: models, what a projector adds, and what fits beside a chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.examples import MACHINE, choice_of, model_link
from setupgen.maintain.pages.text import gib, parameters, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


MACHINES = ("Laptop with an RTX 4060, 8 GB", "RTX 3060, 12 GB", "RTX 3090, 24 GB", "Apple M2 Max, 64 GB", "Ryzen AI Max+ 395, 128 GB")


def vision(pack: Pack) -> Iterator[str]:
    """Models that are made for pictures, with the bytes of their eye."""
    found = [model for model in pack.models.values() if str(model.use_cases.get("vision")) in "23" and "superseded_by" not in model.raw]
    found.sort(key=lambda model: (-model.use_cases["vision"], model.total_parameters, model.id))
    rows = [
        [
            model_link(model),
            parameters(model.total_parameters, model.active_parameters),
            gib(model.projector_bytes) if model.projector_bytes else "",
            ", ".join(model.inputs),
        ]
        for model in found[:14]
    ]
    yield from table(["Model", "Parameters", "Projector, GiB", "Takes"], rows, numbers=(2,))


def speech(pack: Pack) -> Iterator[str]:
    """Models for speech, smallest first."""
    found = [model for model in pack.models.values() if model.use_cases.get("speech") and "superseded_by" not in model.raw]
    found.sort(key=lambda model: (model.total_parameters, model.id))
    rows = [
        [
            model_link(model),
            ", ".join(task.replace("-", " ") for task in model.tasks),
            parameters(model.total_parameters, model.active_parameters),
            model.license_id,
        ]
        for model in found
    ]
    yield from table(["Model", "Task", "Parameters", "Licence"], rows)


def plans(pack: Pack) -> Iterator[str]:
    """What plans choose for pictures and for speech on usual machines."""
    rows = []
    for name in MACHINES:
        cells = []
        for use in ("vision", "speech"):
            choice = choice_of(pack, {**MACHINE[name], "use_case": use})
            cells.append(
                f"{model_link(choice.model)} `{choice.weights.quant}` on {choice.server.name}, {gib(choice.memory.total_bytes)} GiB"
                if choice
                else "nothing fits"
            )
        rows.append([name, *cells])
    yield from table(["Machine", "Pictures and scans", "Speech"], rows)


PARTS = {"vision": vision, "speech": speech, "plans": plans}
