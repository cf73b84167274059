"""``python -m devstack mysql kafka``: run servers until Ctrl-C, or only download them."""

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from devstack.connect import connect
from devstack.errors import DevstackError
from devstack.kafka import kafka
from devstack.mariadb import mariadb
from devstack.mysql import mysql
from devstack.postgres import postgres
from devstack.schema_registry import schema_registry
from devstack.server import Server

SERVERS: dict[str, Callable[[], Server]] = {
    "mysql": mysql,
    "mysql:9.7": lambda: mysql("9.7"),
    "mysql:8.0": lambda: mysql("8.0"),
    "mariadb": mariadb,
    "mariadb:11.4": lambda: mariadb("11.4"),
    "mariadb:10.11": lambda: mariadb("10.11"),
    "postgres": postgres,
    "kafka": kafka,
    "schema-registry": schema_registry,
}
FETCHED: dict[str, Callable[[], Server]] = {"debezium": lambda: connect(Path())}


def main() -> int:
    """Start the servers named on the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument("servers", nargs="+", metavar="SERVER", help=", ".join(SERVERS))
    parser.add_argument("--prepare", action="store_true", help="only download, start nothing")
    arguments = parser.parse_args()
    # Debezium needs files of a user's own to run, so here it can only be fetched.
    known = {**SERVERS, **FETCHED} if arguments.prepare else SERVERS
    if unknown := [name for name in arguments.servers if name not in known]:
        parser.error(f"no server is called {unknown[0]}; there are {', '.join(known)}")
    servers = [known[name]() for name in arguments.servers]
    try:
        if arguments.prepare:
            for server in servers:
                server.prepare()
        else:
            _run(servers)
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    return 0


def _run(servers: list[Server]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            for server in servers:
                stack.enter_context(server)
                print(f"{server.name}: {server.url}", flush=True)
            print("Ctrl-C ends them.", file=sys.stderr)
            while True:
                signal.pause()
        except KeyboardInterrupt:
            # Further ones must not cut the tidying short.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            print(file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
