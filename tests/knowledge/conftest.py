"""A knowledge base of one thing of each kind that lints clean, for tests that break one belief at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from setupgen.maintain.report import Report, examine
from setupgen.maintain.tree import load_tree

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "knowledge/vocabulary/use-cases.yaml": """
entries:
  - {id: chat, label: Chat, description: Talk., task: text-generation, capabilities: [tools], clients: [shell]}
reviewed: 2026-11-01
""",
    "knowledge/vocabulary/experiences.yaml": "entries: [{id: balanced, label: Balanced, description: Both.}]\nreviewed: 2026-11-01\n",
    "knowledge/vocabulary/capabilities.yaml": "entries: [{id: tools, label: tools, description: Calls.}]\nreviewed: 2026-11-01\n",
    "knowledge/vocabulary/tasks.yaml": "entries: [{id: text-generation, label: text, description: Text.}]\nreviewed: 2026-11-01\n",
    "knowledge/vocabulary/license-classes.yaml": """
entries:
  - {id: open, label: open, description: Open., ids: [apache-2.0]}
  - {id: commercial, label: commercial, description: Conditions., ids: []}
  - {id: restricted, label: restricted, description: Not for sale., ids: [cc-by-nc-4.0]}
reviewed: 2026-11-01
""",
    "knowledge/vocabulary/attention-kinds.yaml": """
entries:
  - {id: full, label: full, description: All.}
  - {id: sliding, label: sliding, description: A window.}
reviewed: 2026-11-01
""",
    "knowledge/vocabulary/quantisations.yaml": """
entries:
  - {id: Q4_K_M, label: Q4_K_M, description: Four bits., formats: [gguf]}
  - {id: Q8_0, label: Q8_0, description: Eight bits., formats: [gguf]}
  - {id: BF16, label: BF16, description: Sixteen bits., formats: [gguf, safetensors]}
reviewed: 2026-11-01
""",
    "knowledge/vocabulary/weight-formats.yaml": """
entries:
  - {id: gguf, label: GGUF, description: One file.}
  - {id: safetensors, label: safetensors, description: Several files.}
reviewed: 2026-11-01
""",
    "knowledge/vocabulary/runtimes.yaml": "entries: [{id: native, label: native, description: Itself.}]\nreviewed: 2026-11-01\n",
    "knowledge/vocabulary/operating-systems.yaml": "entries: [{id: linux, label: Linux, description: Linux.}]\nreviewed: 2026-11-01\n",
    "knowledge/vocabulary/device-kinds.yaml": """
entries:
  - {id: gpu, label: GPU, description: Own memory.}
  - {id: cpu, label: CPU, description: Main memory.}
reviewed: 2026-11-01
""",
    "knowledge/vocabulary/segments.yaml": "entries: [{id: consumer, label: consumer, description: Shops.}]\nreviewed: 2026-11-01\n",
    "knowledge/vocabulary/backends.yaml": "entries: [{id: cuda, label: CUDA, description: NVIDIA.}]\nreviewed: 2026-11-01\n",
    "knowledge/vocabulary/facts.yaml": """
entries:
  - {id: needs.use_case, label: use case, description: Id., scope: host}
  - {id: needs.experience, label: experience, description: Id., scope: host}
  - {id: needs.users, label: users, description: Count., scope: host}
  - {id: server.id, label: server, description: Id., scope: candidate}
reviewed: 2026-11-01
""",
    "knowledge/vocabulary/age-limits.yaml": """
entries:
  - {id: model, label: models, description: Weekly., warn_days: 120, error_days: 365}
  - {id: rules, label: rules, description: Slowly., warn_days: 180, error_days: 545}
reviewed: 2026-11-01
""",
    "knowledge/sources/test.yaml": """
sources:
  - {id: test-page, title: A page, url: "https://example.com/page", retrieved: 2026-11-01}
""",
    "knowledge/models/lab/talker-8b.yaml": """
name: Talker 8B
family: talker
publisher: Lab
released: 2026-10
aliases: [Lab/Talker-8B]
license: {id: apache-2.0, class: open}
tasks: [text-generation]
use_cases: {chat: 3}
parameters: {total: 8190735360}
architecture:
  type: qwen3
  layers: 36
  hidden: 4096
  vocab: 151936
  feed_forward: 12288
  attention:
    full: {layers: 36, heads: 32, kv_heads: 8, head_dim: 128}
context: {native: 32768}
capabilities: [tools]
weights:
  - {format: gguf, quants: [Q4_K_M, Q8_0], repository: Lab/Talker-8B-GGUF, file: "talker-{quant}.gguf", ollama: {Q4_K_M: "talker:8b"}, bytes: {Q4_K_M: 5027783488}}
  - {format: safetensors, quants: [BF16], repository: Lab/Talker-8B}
sources: [test-page]
reviewed: 2026-11-01
""",
    "knowledge/hardware/nvidia/card.yaml": """
name: NVIDIA Card
vendor: nvidia
kind: gpu
segment: consumer
aliases: [Card, "GA1 [Card]"]
memory_gib: [24]
bandwidth_gb_s: 936.2
compute_tflops: {fp16: 71.2, fp8: 142.4}
capability: "8.6"
backends: [cuda]
power_w: 350
sources: [test-page]
reviewed: 2026-11-01
""",
    "knowledge/hardware/intel/chip.yaml": """
name: Intel Chip
vendor: intel
kind: cpu
segment: consumer
memory_gib: []
bandwidth_gb_s: 80
backends: [cuda]
sources: [test-page]
reviewed: 2026-11-01
""",
    "knowledge/servers/tester.yaml": """
name: Tester
kind: inference
license: mit
status: active
version: {pinned: "1.2", minimum: "1.0"}
platforms: [linux]
runtimes: [native]
port: 9000
tool_parsers: [qwen3]
launch:
  - {flag: --port, value: {setting: port}}
flags:
  --port: {takes: "N"}
  --old: {until: "1.1"}
sources: [test-page]
reviewed: 2026-11-01
""",
    "knowledge/clients/shell.yaml": "name: Shell\napis: [openai]\nsources: [test-page]\nreviewed: 2026-11-01\n",
    "knowledge/questions/use-case.yaml": """
text: What for?
help: It decides the model.
sets: needs.use_case
kind: choice
choices_from: use-cases
default: chat
order: 10
reviewed: 2026-11-01
""",
    "knowledge/questions/experience.yaml": """
text: How shall it feel?
help: It decides the speed.
sets: needs.experience
kind: choice
choices_from: experiences
default: balanced
order: 20
reviewed: 2026-11-01
""",
    "knowledge/rules/serving.yaml": """
rules:
  - id: many-users
    when: {all: [{fact: needs.users, at_least: 8}, {fact: server.id, is: tester}]}
    then:
      - {prefer: {server: tester}, weight: 3}
    because: Many users want batches.
    sources: [test-page]
    reviewed: 2026-11-01
""",
    "tests/cases/many.yaml": "story: Many\ncovers: [many-users]\n",
}


class Base:
    """A small source tree on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> int:
        """Replace a text that is there once; the number of its line."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        (self.root / name).write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def examine(self) -> Report:
        return examine(load_tree(self.root, tolerant=True))


@pytest.fixture
def base(tmp_path) -> Base:
    return Base(tmp_path)
