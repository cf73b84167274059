"""``python -m bench [--quick] [--rows N] [--json] [MEASUREMENT ...]``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping

from bench import bulk, report, sink, snapshot, transactions
from bench.measure import BenchError, Result
from bench.program import programs
from bench.stand import Sizes, Stand, opened

MEASUREMENTS: Mapping[str, Callable[[Stand], Iterator[Result]]] = {
    "bulk": bulk.measure,
    "transactions": transactions.measure,
    "snapshot": snapshot.measure,
    "sink": sink.measure,
}
FULL_ROWS, QUICK_ROWS = 1_000_000, 50_000


def sizes(rows: int) -> Sizes:
    """Fewer of what takes longer for each."""
    return Sizes(
        bulk=rows, transactions=max(1, rows * 3 // 10), snapshot=rows, sink=max(1, rows // 5)
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure rates, CPU and memory. A full run writes docs/benchmarks.md.",
    )
    parser.add_argument("measurements", nargs="*", metavar="MEASUREMENT",
                        help=f"of {', '.join(MEASUREMENTS)}; all by default")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, no page")
    parser.add_argument("--rows", type=int, help=f"rows of bulk and snapshot ({FULL_ROWS:,})")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.measurements if name not in MEASUREMENTS]:
        parser.error(f"no measurement is called {unknown[0]}")
    rows = arguments.rows or (QUICK_ROWS if arguments.quick else FULL_ROWS)
    if rows < 1:
        parser.error("--rows must be at least 1")
    load_before = os.getloadavg()[0]
    results = []
    try:
        with opened(sizes(rows), programs()) as stand:
            for name in arguments.measurements or MEASUREMENTS:
                for result in MEASUREMENTS[name](stand):
                    results.append(result)
                    print(_line(result), file=sys.stderr, flush=True)
            if not arguments.quick and not arguments.measurements:
                report.PAGE.write_text(report.page(stand, results, load_before))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(report.as_json(results) if arguments.json else report.table(results))
    return 0


def _line(result: Result) -> str:
    return (
        f"{result.work}, {result.program}: {result.rate:,.0f}/s, {result.cpu:.1f} µs CPU, "
        f"{result.worker_memory:.0f} + {result.task_memory:.0f} MB"
    )


if __name__ == "__main__":
    sys.exit(main())
