"""`setupgen detect`: the facts of this machine."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

GIB = 1024**3
Row = tuple[str, str]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `detect` to the program's parser."""
    parser = subparsers.add_parser(
        "detect",
        help="the facts of this machine",
        description="Find out what this machine has: processor, memory, accelerators, tools. It asks local tools only, never the network.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document, which --facts takes on any machine")
    parser.add_argument("--raw", action="store_true", help="add what each tool printed, without serial numbers, for bug reports")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the facts of this machine; 0."""
    from setupgen.detect import detect

    document = detect(raw=arguments.raw)
    identify(document)
    if arguments.json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        show(document)
    return 0


def identify(document: dict[str, Any]) -> None:
    """Fill in the knowledge base's ids of the accelerators; what it does not know is said on stderr."""
    from setupgen.cli.pack import load_pack
    from setupgen.errors import SetupgenError

    accelerators = document["accelerators"]
    if not accelerators:
        return
    try:
        pack = load_pack()
    except SetupgenError as error:
        sys.stderr.write(f"setupgen: accelerators keep no id: {error}\n")
        return
    from setupgen.engine.hardware import identify as find

    for accelerator in accelerators:
        memory = accelerator["memory_bytes"]
        device = find(pack, accelerator["name"], memory if isinstance(memory, int) else 0)
        accelerator["id"] = device.id if device else None
    unknown = dict.fromkeys(accelerator["name"] for accelerator in accelerators if not accelerator["id"])
    for name in unknown:
        sys.stderr.write(f"setupgen: the knowledge base does not know {name!r}, so its id is null.\n")


def show(document: dict[str, Any]) -> None:
    """A table for people: coloured on a terminal, plain text elsewhere."""
    rows = list(table(document))
    raw = document.get("raw", {})
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column()
        for label, text in rows:
            grid.add_row(label, Text(text))
        Console().print(grid)
    else:
        width = max(len(label) for label, _ in rows)
        sys.stdout.write("".join(f"{label:<{width}}  {text}".rstrip() + "\n" for label, text in rows))
    for name, output in raw.items():
        ended = output["exit"] if isinstance(output["exit"], int) else output["exit"]["unknown"]
        sys.stdout.write(f"\n--- {name} (exit: {ended})\n{output['stdout']}{output['stderr']}")


def table(document: dict[str, Any]) -> Iterator[Row]:
    """Labels and texts, one row for each line."""
    system, cpu, memory = document["os"], document["cpu"], document["memory"]
    marks = [word for word, on in (("WSL", system["wsl"]), ("container", system["container"])) if on]
    yield "Machine", _word(document["machine"]["model"])
    name, version = _word(system["name"]), system["version"]
    if isinstance(version, str) and version not in name:
        name = f"{name} {version}"
    yield "System", ", ".join([name, *([_word(system["kernel"])] if "kernel" in system else []), *marks])
    yield "Processor", f"{_word(cpu['name'])}: {_word(cpu['cores'])} cores, {_word(cpu['threads'])} threads, {_word(cpu['architecture'])}"
    features = cpu["features"]
    yield "", ", ".join(features) if isinstance(features, list) else f"instruction sets {_word(features)}"
    yield "Memory", f"{_size(memory['total_bytes'])}, {_size(memory['available_bytes'])} available"
    bandwidth = memory["bandwidth_gb_s"]
    yield "", f"bandwidth {_word(bandwidth)}" + ("" if isinstance(bandwidth, dict) else " GB/s")
    yield from _accelerators(document["accelerators"])
    yield from _tools(document["tools"])
    yield "Disk", f"{_size(document['disk']['free_bytes'])} free"
    for index, note in enumerate(document["notes"]):
        yield "" if index else "Notes", note


def _accelerators(accelerators: list[dict[str, Any]]) -> Iterator[Row]:
    if not accelerators:
        yield "Accelerator", "none found"
    lines: dict[str, int] = {}
    for accelerator in accelerators:
        line = _accelerator(accelerator)
        lines[line] = lines.get(line, 0) + 1
    for index, (line, count) in enumerate(lines.items()):
        yield "" if index else "Accelerator", f"{count}x {line}" if count > 1 else line


def _accelerator(accelerator: dict[str, Any]) -> str:
    shared = " shared with the processor" if accelerator["unified"] else ""
    limit = accelerator.get("gpu_limit_bytes")
    parts = [_size(accelerator["memory_bytes"]) + shared]
    if limit:
        parts.append(f"of which it may use {_size(limit)}")
    if isinstance(accelerator["driver"], str):
        parts.append(" ".join(word for word in (accelerator.get("driver_name", ""), accelerator["driver"]) if word))
    capability = accelerator["compute_capability"]
    if isinstance(capability, str):
        parts.append(f"compute capability {capability}")
    elif accelerator.get("gfx_target"):
        parts.append(accelerator["gfx_target"])
    return f"{accelerator['name']}: {', '.join(parts)} [{accelerator['id'] or 'not in the knowledge base'}]"


def _tools(tools: dict[str, Any]) -> Iterator[Row]:
    found = [f"{_tool(name)} {version}" for name, version in tools.items() if isinstance(version, str)]
    yield "Tools", ", ".join(found) or "none found"
    missing = [_tool(name) for name, version in tools.items() if version == {"unknown": "not installed"}]
    if missing:
        yield "", f"not installed: {', '.join(missing)}"
    for name, version in tools.items():
        if isinstance(version, dict) and version["unknown"] != "not installed":
            yield "", f"{_tool(name)}: {version['unknown']}"


def _tool(name: str) -> str:
    return name.replace("_", "-")


def _word(value: Any) -> str:
    return f"unknown ({value['unknown']})" if isinstance(value, dict) else str(value)


def _size(value: Any) -> str:
    return _word(value) if isinstance(value, dict) else f"{value / GIB:.1f} GiB"
