"""Entry point of `python -m benchmarks.guide [--lighthouse]`."""

from benchmarks.guide.run import main

main()
