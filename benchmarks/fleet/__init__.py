"""How good the placement of fleets is, how it scales, and how little it moves: `python -m benchmarks.fleet`."""
