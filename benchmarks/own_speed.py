"""What setupgen predicts for this machine's own decode speed, against llama-bench on models of random weights.

`python benchmarks/own_speed.py` builds llama.cpp where `make e2e` has not done so yet. Whoever runs this may share the machine with others:
the best of many short repeats counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/e2e"))

from llama_cpp import BuildError, llama_bench
from tiny_gguf import Tiny, write_tiny

TOKENS, REPEATS = 8, 20
MODELS = {
    "100 MB": Tiny(layers=6, hidden=1024, heads=16, kv_heads=4, feed_forward=4096),
    "195 MB": Tiny(layers=12, hidden=1024, heads=16, kv_heads=4, feed_forward=4096),
}


def predicted(file: Path) -> dict[str, float]:
    """Tokens per second, by the program as a user runs it."""
    options = ["--model", str(file), "--server", "llama-cpp", "--backend", "cpu", "--json"]
    result = subprocess.run(
        [sys.executable, "-m", "setupgen", "estimate", *options], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(result.stdout)["speed"]["decode_tps"]


def measured(program: Path, file: Path) -> float:
    """Tokens per second in the least disturbed repeat."""
    options = ["-m", str(file), "-ngl", "0", "-p", "0", "-n", str(TOKENS), "-r", str(REPEATS), "-o", "json"]
    result = subprocess.run([program, *options], capture_output=True, text=True, check=True, timeout=600)
    (row,) = json.loads(result.stdout)
    return max(row["samples_ts"])


def main() -> int:
    """Print the table."""
    try:
        program = llama_bench()
    except BuildError as error:
        print(error)
        return 0
    print("| random weights | predicted tokens/s | range | measured | measured / predicted |\n| ---: | ---: | ---: | ---: | ---: |")
    with TemporaryDirectory() as folder:
        for name, model in MODELS.items():
            file = write_tiny(Path(folder) / "random.gguf", model)
            ours, theirs = predicted(file), measured(program, file)
            print(
                f"| {name} | {ours['value']:.1f} | {ours['low']:.1f} to {ours['high']:.1f} | {theirs:.1f} | {theirs / ours['value']:.2f} |"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
