"""Bandwidth, compute and power are of the size that such hardware has: a wrong unit or a sparse rate shows here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree

_BANDWIDTH = {"gpu": (30, 30_000), "unified": (10, 2_000), "cpu": (3, 2_000)}
_MEMORY_GIB = {"gpu": (1, 512), "unified": (1, 2_048), "cpu": (0, 8_192)}
_POWER_W = (1, 3_000)
_HALVES = (("fp16", "fp8"), ("fp8", "fp4"))
_MOST_RATIO = 8


def _check(tree: Tree) -> Iterator[Problem]:
    for document in tree.files["device"].values():
        data = document.data
        low, high = _BANDWIDTH.get(data["kind"], (0, 10**9))
        if not low <= data["bandwidth_gb_s"] <= high:
            yield problem(document, ("bandwidth_gb_s",), "not plausible.", actual=data["bandwidth_gb_s"], expected=f"{low} to {high} GB/s")
        low, high = _MEMORY_GIB.get(data["kind"], (0, 10**9))
        for index, size in enumerate(data["memory_gib"]):
            if not low <= size <= high:
                yield problem(document, ("memory_gib", index), "not plausible.", actual=size, expected=f"{low} to {high} GiB")
        if data["kind"] != "cpu" and not data["memory_gib"]:
            yield problem(document, ("memory_gib",), "an accelerator without memory.", tip="Write the sizes that it is sold with.")
        if "power_w" in data and not _POWER_W[0] <= data["power_w"] <= _POWER_W[1]:
            yield problem(document, ("power_w",), "not plausible.", actual=data["power_w"], expected="1 to 3000 W")
        rates = data.get("compute_tflops", {})
        for wide, narrow in _HALVES:
            if rates.get(wide) and rates.get(narrow) and not rates[wide] <= rates[narrow] <= _MOST_RATIO * rates[wide]:
                tip = "Rates are dense, not sparse; leave out what is unknown."
                yield problem(document, ("compute_tflops", narrow), f"not plausible beside {wide}.", actual=rates[narrow], tip=tip)
        for size in data.get("variants", {}):
            if float(size) not in [float(known) for known in data["memory_gib"]]:
                yield problem(
                    document, ("variants", size), "a variant of a size that is not sold.", expected=f"one of {data['memory_gib']}"
                )
        if data.get("gpu_share", 1) != 1 and data["kind"] != "unified":
            yield problem(document, ("gpu_share",), "only unified memory is shared.", tip="Remove it.")


CHECK = Check("device-numbers", "Bandwidth, memory, compute and power are plausible.", _check)
