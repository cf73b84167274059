"""``cdc demo``: a real MySQL with a busy shop, mirrored into DuckDB, and compared at the end."""

from __future__ import annotations

import importlib
import logging
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console

from cdc.cli import messages, shop
from cdc.cli.compare import TableComparison, compare
from cdc.cli.interrupt import interruptible
from cdc.cli.mirror_plan import mirror_plan
from cdc.cli.mirror_source import MirrorSource
from cdc.cli.mirroring import Mirror
from cdc.cli.progress import display, say
from cdc.connection import Endpoint
from connect.errors import CdcError

_LOOK_SECONDS = 0.2
_ALTER_AFTER = 3.0


def demo(seconds: int | None, rows: int, keep: Path | None) -> int:
    """0 if source and target are equal at the end, else 1."""
    devstack = _devstack()
    messages.show(logging.WARNING, "cdc: %(message)s")
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cdc-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / "shop.duckdb"
        if target.exists():
            raise CdcError(f"{target} is there already.", cure="Give --keep another folder.")
        with _timed("Starting MySQL"):
            try:
                server = stack.enter_context(devstack.mysql())
            except devstack.DevstackError as error:
                raise CdcError(f"MySQL cannot be started: {error}") from error
        endpoint = Endpoint(
            host=server.host, port=server.port, user=server.user, password=server.password
        )
        with closing(endpoint.connect()) as connection:
            with _timed("Filling a shop"):
                made = sum(count for _, count in shop.create(connection, rows))
            say(f"The shop has {made:,} rows: {server.url}/{shop.DATABASE}")
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cdc-demo-state-")))
            alter_after = _ALTER_AFTER if seconds is None else min(_ALTER_AFTER, seconds / 3)
            business = shop.Business(
                endpoint.connect(database=shop.DATABASE), alter_after=alter_after
            )
            if not _mirror(f"{server.url}/{shop.DATABASE}", target, state, business, seconds):
                return 1
            with _timed("Comparing source and target"), duckdb.connect(str(target)) as mirrored:
                found = list(compare(connection, shop.DATABASE, mirrored))
    if keep is not None:
        say(f"The mirror is in {target}")
    return verdict(found)


def _mirror(
    source: str, target: Path, state: Path, business: shop.Business, seconds: int | None
) -> bool:
    """Mirror while business goes on, and until it has all arrived. False if a part failed."""
    plan = mirror_plan(source, f"duckdb:///{target.absolute()}", [], state=state, prefix="demo")
    origin = MirrorSource(plan.source)
    tables = origin.check(shop.DATABASE)
    with interruptible() as interrupt, Mirror(plan, origin, tables, interrupt) as running:
        until = f"for {seconds} seconds" if seconds else "until Ctrl-C"
        say(f"Mirroring it into DuckDB while business goes on {until}.")
        say(f"The worker's REST: {running.url}/connectors?expand=status")
        deadline = time.monotonic() + (math.inf if seconds is None else seconds)
        business.start()
        try:
            with display() as shown:
                while not interrupt.asked and business.is_alive() and time.monotonic() < deadline:
                    if running.failed():
                        return False
                    shown.show(running.status())
                    time.sleep(_LOOK_SECONDS)
        finally:
            business.close()
        say(f"Business is closed after {business.transactions:,} transactions.")
        end = origin.position()
        with _timed("Waiting until the last of it has arrived"):
            while not running.caught_up(end):
                if running.failed():
                    return False
                time.sleep(_LOOK_SECONDS)
    return True


def _devstack() -> Any:
    """The package that starts servers; it is part of the source tree only."""
    root = Path(__file__).parents[2]
    if (root / "devstack" / "__init__.py").exists() and str(root) not in sys.path:
        sys.path.append(str(root))
    try:
        return importlib.import_module("devstack")
    except ModuleNotFoundError as error:
        if error.name != "devstack":
            raise
        raise CdcError(
            "The demo starts a MySQL with devstack, which is not part of the installed package.",
            cure="Clone the source and run 'make demo' there; or mirror a MySQL of your own: "
            "cdc mirror mysql://user:password@host/database duckdb:///copy.duckdb",
        ) from error


@contextmanager
def _timed(what: str) -> Iterator[None]:
    """Say what is being done, and at the end how long it took."""
    say(f"{what} ...")
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.1f} s")


def verdict(found: list[TableComparison]) -> int:
    """Say for each table whether it is equal, and for all in the last line; 0 if they are."""
    console = Console(highlight=False, soft_wrap=True)
    for table in found:
        mark = "[green]equal[/]" if table.equal else "[red]DIFFERENT[/]"
        console.print(f"  {table.table:<20} {table.rows:>10,} rows  {mark}")
        for column in table.missing_columns:
            console.print(f"      column {column} is missing in the target", markup=False)
        for difference in table.differences:
            console.print(f"      row {difference.key!r}: {difference.what}", markup=False)
        if table.different > len(table.differences):
            console.print(f"      {table.different:,} rows differ in all")
    rows = sum(table.rows for table in found)
    wrong = [table.table for table in found if not table.equal]
    if wrong:
        console.print(f"[red]Source and target differ[/] in {', '.join(wrong)}.")
        return 1
    console.print(
        f"[green]Source and target are equal on all {len(found)} tables[/]: {rows:,} rows compared."
    )
    return 0
