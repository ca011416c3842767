"""Makes the plans of `tests/render/plans.py` importable from here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
