"""Weights are in quantisations that their format has, named so that programs can pull them, and of a plausible size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import At, Document
    from setupgen.maintain.tree import Tree

LEAST_BITS, MOST_BITS = 1.5, 40


def _check(tree: Tree) -> Iterator[Problem]:
    formats = {entry["id"]: entry.get("formats", []) for entry in tree.entries("quantisations")}
    for document in tree.files["model"].values():
        total = document.data["parameters"]["total"]
        for index, entry in enumerate(document.data["weights"]):
            yield from _entry(document, ("weights", index), entry, formats, total)


def _entry(document: Document, at: At, entry: dict[str, Any], formats: dict[str, list[str]], total: int) -> Iterator[Problem]:
    for place, quant in enumerate(entry["quants"]):
        if quant in formats and entry["format"] not in formats[quant]:
            found = f"{quant} in {entry['format']}"
            yield problem(
                document,
                (*at, "quants", place),
                "the format does not have this quantisation.",
                actual=found,
                expected=" or ".join(formats[quant]),
            )
    for key in ("ollama", "bytes"):
        for quant in entry.get(key, {}):
            if quant not in entry["quants"]:
                yield problem(
                    document,
                    (*at, key, quant),
                    "not among the quantisations of this entry.",
                    tip=f"Add {quant} to quants, or remove it here.",
                )
    for quant, size in entry.get("bytes", {}).items():
        bits = size * 8 / total
        if not LEAST_BITS <= bits <= MOST_BITS:
            yield problem(
                document, (*at, "bytes", quant), "not a plausible size.", actual=f"{bits:.1f} bits per parameter", tip="Bytes, not GB."
            )
    file = entry.get("file", "")
    if len(entry["quants"]) > 1 and file and "{quant}" not in file:
        yield problem(document, (*at, "file"), "one file name for several quantisations.", actual=file, expected="{quant} in it")
    if entry["format"] != "gguf" and (file or entry.get("projector")):
        yield problem(document, at, "only GGUF entries name single files.", tip="Remove `file` and `projector`.")


CHECK = Check("weights-and-quants", "Weights have quantisations of their format and plausible sizes.", _check)
