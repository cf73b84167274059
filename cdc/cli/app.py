"""The commands and their options. Each command's work is a module of its own beside this one."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from connect.compiled import VARIABLE, forms
from connect.errors import CdcError

ROOMS = ("connect", "cdc", "schema_history", "sink")

app = typer.Typer(
    help="Change data capture and Kafka Connect in Python.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command; an error made on purpose is one message and exit code 1."""
    try:
        app()
    except CdcError as error:
        typer.echo(f"cdc: {error}", err=True)
        raise SystemExit(1) from None


def _version(wanted: bool) -> None:
    if not wanted:
        return
    found = forms(ROOMS)
    compiled = sum(found.values())
    if compiled == len(found):
        form = "hot modules compiled"
    elif compiled == 0:
        form = f"hot modules interpreted ({VARIABLE}=1 demands the compiled ones)"
    else:
        missing = ", ".join(name for name, done in found.items() if not done)
        form = f"hot modules partly compiled, interpreted: {missing}"
    typer.echo(f"mysql-cdc {version('mysql-cdc')} (Python {platform.python_version()}, {form})")
    raise typer.Exit


@app.callback()
def _common(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Change data capture and Kafka Connect in Python."""


Source = Annotated[
    str, typer.Argument(metavar="SOURCE_URL", help="For example mysql://user:password@host/shop")
]
Tables = Annotated[
    list[str] | None,
    typer.Option("--table", help="A table, or regular expression of tables; may be repeated."),
]


@app.command()
def run(
    connectors: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CONNECTOR_FILE...",
            help=".properties or .json files; none if connectors come by REST",
        ),
    ] = None,
    worker: Annotated[
        Path | None, typer.Option("--worker", help="Kafka Connect worker .properties file")
    ] = None,
) -> None:
    """Run connectors in a standalone worker, from Kafka Connect's own files."""
    from cdc.cli.run import run as command

    raise typer.Exit(command(connectors or [], worker))


@app.command()
def mirror(
    source: Source,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET_URL",
            help="duckdb:///shop.duckdb, postgresql://..., mysql://..., sqlite:///... or "
            "kafka://broker:9092",
        ),
    ],
    tables: Tables = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", help="A table, or expression, to leave out; may be repeated."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when caught up.")] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the connector files that do the same.")
    ] = False,
    state: Annotated[
        Path, typer.Option("--state", help="Folder for offsets, history and the embedded log.")
    ] = Path(".cdc"),
    prefix: Annotated[str, typer.Option("--prefix", help="First part of topic names.")] = "cdc",
) -> None:
    """Mirror a MySQL database: what is there, then every change."""
    from cdc.cli.mirror import mirror as command

    raise typer.Exit(
        command(
            source, target, tables or [], exclude=exclude or [], state=state, prefix=prefix,
            once=once, only_print=print_config,
        )
    )  # fmt: skip


@app.command()
def tail(
    source: Source,
    tables: Tables = None,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Begin with the rows that are there.")
    ] = False,
) -> None:
    """Print each change as a line of JSON."""
    from cdc.cli.tail import tail as command

    raise typer.Exit(command(source, tables or [], snapshot=snapshot))


@app.command()
def demo(
    seconds: Annotated[
        int | None, typer.Option("--seconds", min=1, help="End after so long; else at Ctrl-C.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1000, help="Rows in the shop.")] = 200_000,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Folder to keep the DuckDB file in.")
    ] = None,
) -> None:
    """A real MySQL with a busy shop, mirrored into DuckDB, and compared at the end."""
    from cdc.cli.demo import demo as command

    raise typer.Exit(command(seconds, rows, keep))


@app.command()
def doctor(
    what: Annotated[
        str, typer.Argument(metavar="FILE_OR_URL", help="A connector file or a source URL")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON.")] = False,
) -> None:
    """Check what a run needs, and show the statement that cures each finding."""
    from cdc.cli.doctor import doctor as command

    raise typer.Exit(command(what, as_json=as_json))
