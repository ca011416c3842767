"""Running day to day: disk and time of loading for usual models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.examples import MACHINE, choice_of, model_link
from setupgen.maintain.pages.text import gib, seconds, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


SHOWN = ("Laptop with an RTX 4060, 8 GB", "RTX 3090, 24 GB", "Ryzen AI Max+ 395, 128 GB")
LINE, DRIVE, OLD_DRIVE = 12_500_000, 2_000_000_000, 150_000_000


def loading(pack: Pack) -> Iterator[str]:
    """Download and loading of three chat plans."""
    rows = []
    for name in SHOWN:
        choice = choice_of(pack, {**MACHINE[name], "use_case": "chat"})
        if choice:
            size = choice.weights_bytes
            rows.append(
                [
                    name,
                    f"{model_link(choice.model)} `{choice.weights.quant}`",
                    gib(size),
                    seconds(size / LINE),
                    seconds(size / DRIVE),
                    seconds(size / OLD_DRIVE),
                ]
            )
    heads = ["Machine", "Model", "GiB on disk", "Download at 100 Mbit/s", "Loading from NVMe (2 GB/s)", "from a hard disk (150 MB/s)"]
    yield from table(heads, rows, numbers=(2, 3, 4, 5))


PARTS = {"loading": loading}
