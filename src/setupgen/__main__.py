"""`python -m setupgen` is the `setupgen` command."""

import sys

from setupgen.cli.main import main

sys.exit(main())
