"""Makes the plans of `tests/render/plans.py` and the tools beside this file importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
sys.path.insert(0, str(Path(__file__).parent))
