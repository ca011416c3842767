"""Schemas of hardware files and of measurements made on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.schemas.parts import (
    ID,
    Schema,
    cited,
    date,
    disputed,
    integer,
    kind,
    list_of,
    mapping,
    mapping_of,
    month_or_date,
    number,
    one_of,
    text,
    word,
)

if TYPE_CHECKING:
    from setupgen.maintain.tree import Tree

_RATES = ("fp32", "fp16", "bf16", "fp8", "fp4", "int8", "int4")


def device(tree: Tree) -> Schema:
    """The schema of `knowledge/hardware/<vendor>/<device>.yaml`."""
    bandwidth = number("Peak memory bandwidth in GB/s (10^9).", 0.1)
    compute = mapping(
        {rate: number() for rate in _RATES}, description="Dense peak rates of matrix units in TFLOPS; unknown ones are left out."
    )
    share = {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "Share of unified memory that the GPU may use: by default, or tuned.",
    }
    properties = {
        "name": text("As its vendor writes it."),
        "vendor": text("The folder that the file lies in.", ID),
        "kind": word(tree, "device-kinds"),
        "segment": word(tree, "segments"),
        "aliases": list_of(text(), "Exactly as tools print it: nvidia-smi, rocm-smi, lspci, system_profiler, WMI, Vulkan, /proc/cpuinfo."),
        "memory_gib": list_of({"type": "number", "exclusiveMinimum": 0}, "Sizes that it is sold with; empty for a CPU."),
        "bandwidth_gb_s": bandwidth,
        "variants": mapping_of(
            mapping({"bandwidth_gb_s": bandwidth, "compute_tflops": compute, "gpu_share": share}),
            text("A size of memory_gib.", r"^[0-9]+(\.[0-9]+)?$"),
            "Where a memory size changes something.",
        ),
        "compute_tflops": compute,
        "capability": text("CUDA compute capability, gfx target, or Metal GPU family.", r"^([0-9]+\.[0-9]+|gfx[0-9a-f]+|apple[0-9]+)$"),
        "backends": list_of(word(tree, "backends"), "What runs on it, best first.", least=1),
        "linux_driver": one_of(("i915", "xe"), "Kernel driver of an Intel GPU; i915 unless stated."),
        "gpu_share": share,
        "gpu_share_tuned": share,
        "architecture": one_of(("amd64", "arm64", "riscv64"), "Of the processor in it; amd64 unless stated."),
        "cores": integer("CPU cores."),
        "gpu_cores": integer("Cores of the GPU in it."),
        "features": list_of(text("", "^[a-z0-9_]+$"), "Instruction sets that kernels use."),
        "bus_bits": integer("Width of the memory bus, over all channels or stacks.", 1),
        "data_rate_gbps": number("Transfers per pin, in Gbit/s; bus_bits x data_rate_gbps / 8 is the bandwidth.", 0.1),
        "disputed": disputed(),
        "memory": mapping({"type": text("Type and rate, such as DDR5-5600."), "channels": integer("", 1)}),
        "power_w": number(),
        "price_usd": mapping(
            {"value": number(), "date": month_or_date(), "source": text("Id of a source.", ID), "note": text()}, ("value", "date", "source")
        ),
        "released": month_or_date(),
        "os": list_of(word(tree, "operating-systems"), "Where the hardware dictates it."),
        "notes": list_of(text()),
    }
    required = ("name", "vendor", "kind", "segment", "memory_gib", "bandwidth_gb_s", "backends", "sources", "reviewed")
    return kind("A kind of hardware", mapping(properties | cited(), required))


def measurement(tree: Tree) -> Schema:
    """The schema of `knowledge/measurements/<device>/*.yaml`."""
    properties = {
        "device": text("Id of the hardware, vendor/device."),
        "count": integer("How many of them.", 1),
        "model": text("Id of the model, lab/model."),
        "quant": word(tree, "quantisations"),
        "server": text("Id of the server.", ID),
        "version": text("Of the server."),
        "backend": word(tree, "backends"),
        "os": word(tree, "operating-systems"),
        "cpu": text("As /proc/cpuinfo prints it, or its id."),
        "settings": mapping_of({"type": ["string", "number", "boolean"]}, description="What differs from the server's defaults."),
        "command": text("The command that measured it."),
        "by": text("Who measured."),
        "date": date(),
        "results": list_of(
            mapping(
                {
                    "depth": integer("Tokens already in the cache."),
                    "prompt_tokens": integer("Tokens read in the prefill."),
                    "parallel": integer("Requests at once.", 1),
                    "decode_tps": number("For one request."),
                    "prefill_tps": number(),
                    "aggregate_tps": number("Over all requests."),
                    "memory_bytes": integer("Used on the device."),
                }
            ),
            least=1,
        ),
        "notes": list_of(text()),
    }
    return kind(
        "A measurement", mapping(properties | cited(), ("device", "model", "quant", "server", "date", "results", "sources", "reviewed"))
    )
