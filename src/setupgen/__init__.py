"""Ready-to-run setups for language models on one's own hardware.

The public API is small: `setupgen.web` takes and gives JSON text; `setupgen.engine.planning.plan` takes a pack and facts and gives a
plan. Nothing heavy is imported here.
"""

__version__ = "0.1.0"
