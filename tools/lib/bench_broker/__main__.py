"""Run as `python3 tools/lib/bench_broker`, by tools/bench."""

import sys

import run

sys.exit(run.main())
