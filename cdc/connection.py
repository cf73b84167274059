"""Connecting to MySQL and MariaDB: TLS, authentication, and the server's own facts.

pymysql opens the connection and logs in (caching_sha2_password over plain TCP included: it asks
for the server's public key). What is read in bulk afterwards goes past pymysql's packet reader,
see ``cdc.binlog.packets``.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

import pymysql
from pymysql.connections import Connection as _Connection
from pymysql.constants import CR

from connect.errors import ConfigError, RetriableError, SourceError
from connect.mysql_errors import LOGIN_REFUSED, UNREACHABLE, code_of, is_momentary

Connection: TypeAlias = "_Connection[Any]"

_NO_TLS = CR.CR_SSL_CONNECTION_ERROR


class SslMode(StrEnum):
    """``database.ssl.mode``."""

    DISABLED = "disabled"
    PREFERRED = "preferred"
    REQUIRED = "required"
    VERIFY_CA = "verify_ca"
    VERIFY_IDENTITY = "verify_identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and as whom to connect.

    The files are PEM; ``certificate`` holds its key too. Without ``ca`` the system's authorities
    are trusted.
    """

    host: str
    port: int = 3306
    user: str
    password: str = ""
    ssl_mode: SslMode = SslMode.PREFERRED
    ca: str | None = None
    certificate: str | None = None
    key_password: str | None = None
    connect_timeout: float = 30.0
    """Seconds."""
    query_timeout: float = 0.0
    """Seconds to wait for the next data of an answer; 0 for ever."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def connect(self, *, database: str | None = None) -> Connection:
        """Log in; text is utf8mb4 and the session's clock UTC.

        Raises ConfigError for what the configuration must change, RetriableError for a server that
        cannot be reached now.
        """
        context = self._tls()
        try:
            return self._open(context, database)
        except pymysql.err.OperationalError as error:
            lacks_tls = code_of(error) == _NO_TLS or "doesn't support SSL" in str(error)
            if self.ssl_mode is SslMode.PREFERRED and lacks_tls:
                try:
                    return self._open(None, database)
                except pymysql.err.OperationalError as second:
                    raise self._explained(second) from second
            raise self._explained(error) from error
        except (OSError, RuntimeError) as error:
            raise self._explained(error) from error

    def _open(self, context: ssl.SSLContext | None, database: str | None) -> Connection:
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            # As bytes, because pymysql would encode text as latin1.
            password=self.password.encode(),
            database=database,
            charset="utf8mb4",
            connect_timeout=max(1, int(self.connect_timeout)),
            read_timeout=self.query_timeout or None,
            autocommit=True,
            ssl=context,
            ssl_disabled=context is None,
            init_command="SET time_zone = '+00:00'",
            program_name="mysql-cdc",
        )

    def _tls(self) -> ssl.SSLContext | None:
        if self.ssl_mode is SslMode.DISABLED:
            return None
        verifies = self.ssl_mode in (SslMode.VERIFY_CA, SslMode.VERIFY_IDENTITY)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.ssl_mode is SslMode.VERIFY_IDENTITY
        context.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
        if verifies and self.ca is None:
            context.load_default_certs()
        elif verifies and self.ca is not None:
            path = _pem("database.ssl.truststore", self.ca)
            try:
                context.load_verify_locations(path)
            except (ssl.SSLError, OSError) as error:
                raise ConfigError(
                    "database.ssl.truststore", f"No certificate can be read from {path}: {error}."
                ) from error
        if self.certificate is not None:
            path = _pem("database.ssl.keystore", self.certificate)
            try:
                context.load_cert_chain(path, password=self.key_password)
            except (ssl.SSLError, OSError) as error:
                raise ConfigError(
                    "database.ssl.keystore",
                    f"No certificate and key can be read from {path}: {error}.",
                ) from error
        return context

    def _explained(self, error: Exception) -> Exception:
        code = code_of(error)
        text = str(error.args[1] if len(error.args) > 1 else error)
        if code in LOGIN_REFUSED:
            return ConfigError(
                "database.user",
                f"Failed to authenticate to the database at {self} with user {self.user!r}: "
                f"{text}.",
                cure="Check database.user and database.password, and that the user may connect "
                "from this host.",
            )
        original = getattr(error, "original_exception", None)
        if isinstance(original, ssl.SSLCertVerificationError):
            return ConfigError(
                "database.ssl.truststore",
                f"The certificate of {self} is not accepted: {original.verify_message}.",
                cure="Name its authority's certificate in database.ssl.truststore, or choose a "
                "database.ssl.mode that verifies less.",
            )
        if code == _NO_TLS or isinstance(original, ssl.SSLError) or "SSL" in text:
            return ConfigError(
                "database.ssl.mode",
                f"The database at {self} does not offer TLS: {text}.",
                cure="Turn TLS on in the server, or set database.ssl.mode=disabled.",
            )
        if "auth" in text.lower() and "plugin" in text.lower():
            return ConfigError(
                "database.user",
                f"User {self.user!r} at {self} logs in by a method that is not supported: {text}.",
                cure="Give the user caching_sha2_password, sha256_password or "
                "mysql_native_password.",
            )
        if code in UNREACHABLE or isinstance(error, OSError):
            return RetriableError(
                f"Unable to connect to the database at {self}: {text}.",
                cure="Check database.hostname and database.port, and that the server is up and "
                "reachable from here.",
            )
        return RetriableError(f"Unable to connect to the database at {self}: {text} ({code}).")


def database_fault(error: pymysql.err.MySQLError) -> RetriableError | SourceError:
    """What a statement's failure means for whoever reads the server."""
    said = error.args[-1] if error.args else error
    text = f"The server's answer to a query was: {said} ({code_of(error)})."
    if is_momentary(error):
        return RetriableError(text)
    return SourceError(
        text, cure="Run cdc doctor on the connector file to check grants and settings."
    )


def _pem(key: str, path: str) -> str:
    """Check that a file is there and is not one of Java's own stores."""
    file = Path(path)
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise ConfigError(key, f"{key} names {path}, which cannot be read: {error}.") from error
    if b"-----BEGIN" not in head:
        raise ConfigError(
            key,
            f"{key} names {path}, which is not PEM; Java key stores are not supported.",
            cure="Convert it: keytool -importkeystore -srckeystore STORE -destkeystore s.p12 "
            "-deststoretype PKCS12, then openssl pkcs12 -in s.p12 -out s.pem.",
        )
    return path


class Flavour(StrEnum):
    MYSQL = "mysql"
    MARIADB = "mariadb"


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says about itself."""

    flavour: Flavour
    version: tuple[int, int, int]
    version_text: str
    variables: dict[str, str]
    """The global variables the connectors look at, by lower-case name."""

    @classmethod
    def ask(cls, connection: Connection) -> Server:
        text = str(connection.get_server_info())  # type: ignore[no-untyped-call]
        flavour = Flavour.MARIADB if "mariadb" in text.lower() else Flavour.MYSQL
        # MariaDB before 11 hides its version behind a 5.5.5 meant for old replicas.
        found = re.search(r"(\d+)\.(\d+)\.(\d+)", text.removeprefix("5.5.5-"))
        version = tuple(map(int, found.groups())) if found else (0, 0, 0)
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({_quoted_names()})")
            variables = {str(name).lower(): str(value) for name, value in cursor.fetchall()}
        return cls(flavour, version, text, variables)  # type: ignore[arg-type]

    @property
    def gtids_on(self) -> bool:
        """MariaDB numbers its transactions always."""
        return self.flavour is Flavour.MARIADB or self.variables.get("gtid_mode") == "ON"

    @property
    def binlog_status(self) -> str:
        """The statement that shows current file and position."""
        if self.flavour is Flavour.MARIADB:
            return "SHOW MASTER STATUS"
        return "SHOW BINARY LOG STATUS" if self.version >= (8, 2, 0) else "SHOW MASTER STATUS"

    def binlog_position(self, connection: Connection) -> tuple[str, int, str | None]:
        """Current file, position and executed GTIDs (None where they are off)."""
        with connection.cursor() as cursor:
            cursor.execute(self.binlog_status)
            row = cursor.fetchone()
            if row is None:
                raise SourceError(
                    "The server writes no binlog.", cure="Start it with --log-bin and a server id."
                )
            file, position = str(row[0]), int(row[1])
            if self.flavour is Flavour.MARIADB:
                cursor.execute("SELECT @@GLOBAL.gtid_binlog_pos")
                (gtids,) = cursor.fetchone() or ("",)
            elif self.gtids_on:
                gtids = row[4]
            else:
                return file, position, None
        return file, position, str(gtids).replace("\n", "")

    def purged_gtids(self, connection: Connection) -> str:
        """GTIDs whose binlogs the server no longer has; MariaDB does not tell."""
        if self.flavour is Flavour.MARIADB or not self.gtids_on:
            return ""
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@GLOBAL.gtid_purged")
            (gtids,) = cursor.fetchone() or ("",)
        return str(gtids).replace("\n", "")

    def binlog_files(self, connection: Connection) -> list[str]:
        """The binlogs the server still has, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute("SHOW BINARY LOGS")
            return [str(row[0]) for row in cursor.fetchall()]


_VARIABLES = (
    "binlog_checksum",
    "binlog_format",
    "binlog_row_image",
    "binlog_row_metadata",
    "binlog_row_value_options",
    "character_set_server",
    "collation_server",
    "gtid_mode",
    "enforce_gtid_consistency",
    "log_bin",
    "lower_case_table_names",
    "server_id",
    "server_uuid",
    "sql_mode",
    "binlog_expire_logs_seconds",
    "expire_logs_days",
    "binlog_rows_query_log_events",
    "binlog_annotate_row_events",
    "binlog_transaction_compression",
    "log_bin_compress",
    "max_allowed_packet",
    "system_time_zone",
    "time_zone",
)


def _quoted_names() -> str:
    return ", ".join(f"'{name}'" for name in _VARIABLES)
