"""`setupgen estimate`: memory and speed of one model in one quantisation, alone or for many rows at once."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from setupgen.cli.options import add_hardware_options, answers_of, facts_from, read_text
from setupgen.errors import SetupgenError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from setupgen.knowledge import Pack

ROW_KEYS = (
    "model", "quant", "server", "backend", "hardware", "ram", "cpu", "os", "context", "depth", "parallel", "cache_type", "prompt",
    "estimated",
)  # fmt: skip


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser("estimate", help="memory and speed of one model in numbers", description=__doc__)
    command.add_argument("--model", metavar="M", help="id or name of a model")
    command.add_argument("--quant", metavar="Q", help="quantisation, such as Q4_K_M or FP8")
    command.add_argument("--server", metavar="S", help="server (default: one that reads the format)")
    command.add_argument("--backend", metavar="B", help="cuda, rocm, vulkan, metal, sycl or cpu")
    command.add_argument("--context", metavar="C", help="tokens per slot (default 4096)")
    command.add_argument("--depth", metavar="D", help="tokens in the cache when speed is taken (default 0)")
    command.add_argument("--parallel", metavar="P", help="slots (default 1)")
    command.add_argument("--cache-type", metavar="K[/V]", help="cache types, such as q8_0 or q8_0/q4_0 (default f16)")
    command.add_argument("--prompt", metavar="N", help="tokens of the prompt for the time to first token (default 512)")
    command.add_argument("--os", metavar="OS", help="linux, macos, windows or wsl")
    command.add_argument("--estimated", action="store_const", const=True, help="ignore measurements in the knowledge base")
    command.add_argument("--batch", metavar="FILE", help="JSON lines of the same arguments as keys; one result line each")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    add_hardware_options(command)


def run(arguments: argparse.Namespace) -> int:
    """Estimates one row or a batch; 1 where one row does not fit."""
    from setupgen.cli.pack import load_pack

    pack = load_pack()
    for key in ("batch", *ROW_KEYS):
        if getattr(arguments, key) == "":
            raise UsageError("nothing is given.", place=f"--{key.replace('_', '-')}", hint="Leave it out, or say a value.")
    if arguments.batch:
        return _batch(pack, arguments.batch)
    row = {key: getattr(arguments, key, None) for key in ROW_KEYS}
    result = _one(pack, row, arguments)
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False, sort_keys=True, indent=1))
    else:
        from setupgen.output.show import show_estimate

        show_estimate(result)
    return 1 if result["fits"] == "no" else 0


def _one(pack: Pack, row: Mapping[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    from setupgen.engine.estimation import estimate_row

    for key in ("model", "quant"):
        if not row[key]:
            message = f"--{key} is needed."
            raise UsageError(message, place="setupgen estimate", hint="For example: `setupgen estimate --model qwen3-8b --quant Q4_K_M`.")
    arguments.answers = None
    keep = {key: getattr(arguments, key) for key in ("model", "quant", "server", "context")}
    for key in keep:
        setattr(arguments, key, None)
    facts = facts_from(pack, answers_of(arguments))
    return estimate_row(pack, row, facts, place="setupgen estimate")


def _batch(pack: Pack, path: str) -> int:
    """One result line per row, in order; a row that cannot be done gives an error line."""
    from setupgen.engine.estimation import RowEstimator

    estimator = RowEstimator(pack)
    text = sys.stdin.read() if path == "-" else read_text(path)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            result: dict[str, Any] = {"error": f"{place}: not JSON."}
        else:
            try:
                result = estimator.row(row, place)
            except SetupgenError as error:
                result = {"error": str(error)}
        print(json.dumps(result, ensure_ascii=False, sort_keys=True))
    return 0
