"""How long a person waits for a plan: whole processes from a cold start, as ratios to a Python that does nothing.

`python benchmarks/cold_start.py [RUNS]` prints the median of ten runs each. Runs take turns, so that other work on the machine meets all.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 10
AIM = 6
NOTHING = "python -c pass"
START = "import sys; from setupgen.cli.main import main; sys.exit(main())"
MACHINE = ["--hardware", "rtx-3090", "--ram", "64G"]
COMMANDS = {
    "plan --json (chat)": ["plan", "--json", *MACHINE],
    "plan --json (coding-agent)": ["plan", "--json", *MACHINE, "--use-case", "coding-agent"],
    "plan --json (embeddings, cpu)": ["plan", "--json", "--hardware", "cpu", "--ram", "16G", "--use-case", "embeddings"],
    "plan (shown)": ["plan", *MACHINE],
    "estimate --json": ["estimate", "--json", "--model", "qwen3-8b", "--quant", "Q4_K_M", *MACHINE],
    "kb list models": ["kb", "list", "models"],
    "plan --help": ["plan", "--help"],
    "--help": ["--help"],
    "--version": ["--version"],
}


def seconds(arguments: list[str]) -> float:
    """The time of one whole process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", *arguments], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True, timeout=120)
    return time.perf_counter() - start


def measure(runs: int) -> dict[str, float]:
    """The median of each command, with Python doing nothing under `NOTHING`."""
    commands = {NOTHING: ["pass"]} | {name: [START, *arguments] for name, arguments in COMMANDS.items()}
    for arguments in commands.values():
        seconds(arguments)  # compiles what is not compiled yet
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, arguments in commands.items():
            taken[name].append(seconds(arguments))
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    medians = measure(runs)
    base = medians[NOTHING]
    print(f"Cold start, median of {runs} whole processes (aim for plan --json: at most {AIM} times {NOTHING})\n")
    print(f"{'command':<32}{'ms':>8}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:<32}{median * 1000:>8.0f}{median / base:>8.1f}")


if __name__ == "__main__":
    main()
