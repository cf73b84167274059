"""Real servers on this machine for the demo, the tests and the benchmarks.

Each function returns a server to enter with ``with``. A server comes from the first of: a local
Docker engine (where testcontainers is installed), a program of the right version on PATH,
packages and published artifacts unpacked into a cache folder.
"""

from devstack.connect import connect
from devstack.errors import DevstackError
from devstack.kafka import kafka
from devstack.mariadb import mariadb
from devstack.mysql import mysql
from devstack.postgres import postgres
from devstack.schema_registry import schema_registry
from devstack.server import Option, Server

__all__ = [
    "DevstackError",
    "Option",
    "Server",
    "connect",
    "kafka",
    "mariadb",
    "mysql",
    "postgres",
    "schema_registry",
]
