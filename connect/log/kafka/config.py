"""From the Java client's configuration keys to librdkafka's.

Users bring files written for Kafka Connect. A key that both clients know passes as it is, one that
librdkafka calls otherwise is renamed, one that only steers the inside of the Java client is dropped
with a debug line, and one whose meaning cannot be kept is refused with the way out. What is left
goes to librdkafka, which names the keys it does not know.

Sources: the ``ProducerConfig``, ``ConsumerConfig``, ``AdminClientConfig``, ``SslConfigs`` and
``SaslConfigs`` classes of Kafka 4.3, and librdkafka's CONFIGURATION.md.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from connect.errors import ConfigError

LOGGER = logging.getLogger("connect.log.kafka")


class Client(StrEnum):
    """Kinds of client; the value is the worker's prefix for their keys."""

    PRODUCER = "producer"
    CONSUMER = "consumer"
    ADMIN = "admin"


WORKER_WIDE = re.compile(
    r"bootstrap\.servers|client\.dns\.lookup|security\.protocol|(ssl|sasl)\..+"
)
"""Worker keys that say how to reach and enter the cluster; every client gets them."""

WORKER_ONLY = re.compile(r"admin\.listeners(\..+)?")
"""Worker keys that merely look like an ``admin.`` client key."""

RENAMED: Mapping[str, str] = {
    "request.timeout.ms": "socket.timeout.ms",
    "fetch.max.wait.ms": "fetch.wait.max.ms",
    "max.request.size": "message.max.bytes",
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
    "sasl.login.connect.timeout.ms": "socket.connection.setup.timeout.ms",
}

JAVA_ONLY = re.compile(
    r"(key|value)\.(de)?serializer|metric\.reporters|metrics\..+|auto\.include\.jmx\.reporter"
    r"|security\.providers|(ssl\.provider|ssl\.protocol|ssl\.enabled\.protocols)"
    r"|ssl\.secure\.random\.implementation|ssl\.(keymanager|trustmanager)\.algorithm"
    r"|ssl\.truststore\.(password|type)|ssl\.keystore\.type"
    r"|sasl\.(login|kerberos\.ticket|kerberos\.min\.time|oauthbearer\.(clock|jwks|expected))\..+"
    r"|socket\.connection\.setup\.timeout\.max\.ms|exclude\.internal\.topics"
    r"|partitioner\.(ignore\.keys|adaptive\..+|availability\..+)|compression\.[a-z0-9]+\.level"
    r"|enable\.metrics\.push|bootstrap\.controllers|metadata\.max\.idle\.ms"
    r"|default\.api\.timeout\.ms|metadata\.recovery\..+"
)
"""No meaning outside the Java client, or done by us: what is read from it is said where it is."""

REFUSED: Mapping[str, str] = {
    "interceptor.classes": "Java interceptors cannot run here; remove the key",
    "partitioner.class": "keys go where Kafka's default partitioner sends them; remove the key",
    "ssl.engine.factory.class": "it is a Java class; give certificates as PEM",
    "sasl.client.callback.handler.class": "it is a Java class; remove the key",
    "sasl.login.callback.handler.class": "it is a Java class; use sasl.oauthbearer.method=oidc",
    "sasl.login.class": "it is a Java class; remove the key",
}

ASSIGNORS = {
    "RangeAssignor": "range",
    "RoundRobinAssignor": "roundrobin",
    "CooperativeStickyAssignor": "cooperative-sticky",
}

Translator = Callable[[str, str], Mapping[str, str]]


def client_settings(worker: Mapping[str, str], client: Client) -> dict[str, str]:
    """What a worker's file says to one kind of client, still by Java's keys."""
    prefix = f"{client}."
    wide = {key: value for key, value in worker.items() if WORKER_WIDE.fullmatch(key)}
    own = {
        key.removeprefix(prefix): value
        for key, value in worker.items()
        if key.startswith(prefix) and not WORKER_ONLY.fullmatch(key)
    }
    return {**wide, **own}


def translate(settings: Mapping[str, str], client: Client) -> dict[str, str]:
    """librdkafka's settings for Java's; ConfigError names the key that cannot be followed."""
    found: dict[str, str] = {}
    for key, value in settings.items():
        if key in REFUSED and value:
            raise ConfigError(key, f"{key}={value} is not supported: {REFUSED[key]}.")
        if key in _TRANSLATORS:
            found |= _TRANSLATORS[key](key, value)
        elif key in RENAMED:
            found[RENAMED[key]] = value
        elif JAVA_ONLY.fullmatch(key) or key in REFUSED:
            LOGGER.debug("%s client: %s means nothing here and is left out", client, key)
        else:
            found[key] = value
    return found


def take_number(settings: dict[str, str], key: str, default: int) -> int:
    """Remove a whole number that we act on ourselves from ``settings``."""
    text = settings.pop(key, None)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise ConfigError(
            key, f"Invalid value {text} for configuration {key}: not a number."
        ) from None


def _buffer_memory(key: str, value: str) -> Mapping[str, str]:
    size = take_number({key: value}, key, 0)
    return {"queue.buffering.max.kbytes": str(max(1, size // 1024))}


def _batch_size(key: str, value: str) -> Mapping[str, str]:
    return {"batch.size": str(max(1, take_number({key: value}, key, 0)))}


def _acks(key: str, value: str) -> Mapping[str, str]:
    if value not in ("all", "-1"):
        raise ConfigError(
            key,
            f"acks={value} is not supported: source offsets wait for every replica.",
            cure="Remove the key; acks=all is what runs.",
        )
    return {"acks": "all"}


def _idempotence(key: str, value: str) -> Mapping[str, str]:
    if value.lower() != "true":
        raise ConfigError(
            key,
            f"{key}={value} is not supported: without it a retry can double or reorder records.",
            cure="Remove the key; the broker must allow idempotent writes (Kafka 0.11 and later).",
        )
    return {key: "true"}


def _auto_commit(key: str, value: str) -> Mapping[str, str]:
    if value.lower() != "false":
        raise ConfigError(
            key,
            f"{key}={value} is not supported: offsets are stored after the sink's commit only.",
            cure="Remove the key.",
        )
    return {key: "false"}


def _socket_buffer(key: str, value: str) -> Mapping[str, str]:
    name = {"send.buffer.bytes": "socket.send.buffer.bytes"}.get(key, "socket.receive.buffer.bytes")
    return {name: "0" if value.strip() == "-1" else value}


def _reset(key: str, value: str) -> Mapping[str, str]:
    return {key: "error" if value == "none" else value}


def _assignors(key: str, value: str) -> Mapping[str, str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    plain = [ASSIGNORS.get(name.rpartition(".")[2], name) for name in names]
    unknown = set(plain) - set(ASSIGNORS.values())
    if unknown:
        raise ConfigError(
            key,
            f"{key} has {', '.join(sorted(unknown))}, which is not supported.",
            cure=f"Choose from {', '.join(ASSIGNORS)}.",
        )
    # librdkafka cannot offer an eager and the cooperative protocol at once as Java's default list
    # does; the eager one is common ground with every member that has that default.
    eager = [name for name in plain if name != "cooperative-sticky"]
    return {key: ",".join(eager or plain)}


def _endpoint_check(key: str, value: str) -> Mapping[str, str]:
    return {key: value.strip() or "none"}


def _store_kind(key: str, path: str) -> str:
    """JKS, PKCS12 or PEM, by the file's first bytes."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ConfigError(key, f"{key}={path} cannot be read: {error.strerror}.") from error
    if start in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
        return "JKS"
    return "PKCS12" if start[:1] == b"\x30" else "PEM"


def _truststore(key: str, path: str) -> Mapping[str, str]:
    kind = _store_kind(key, path)
    if kind == "PEM":
        return {"ssl.ca.location": path}
    cure = f"openssl pkcs12 -in {path} -nokeys -out ca.pem"
    if kind == "JKS":
        cure = f"keytool -list -rfc -keystore {path} > ca.pem"
    raise ConfigError(
        key,
        f"{key}={path} is a {kind} store; only PEM can be read here.",
        cure=f"Make one with '{cure}' and name it in {key}.",
    )


def _keystore(key: str, path: str) -> Mapping[str, str]:
    kind = _store_kind(key, path)
    if kind == "PEM":
        return {"ssl.certificate.location": path, "ssl.key.location": path}
    if kind == "PKCS12":
        return {"ssl.keystore.location": path}
    raise ConfigError(
        key,
        f"{key}={path} is a JKS store; PEM and PKCS12 can be read here.",
        cure=(
            f"Make one with 'keytool -importkeystore -srckeystore {path} -destkeystore client.p12 "
            f"-deststoretype PKCS12' and name it in {key}."
        ),
    )


_LOGIN = re.compile(r"\s*([\w.$]+)\s+(required|requisite|sufficient|optional)\b(.*?);?\s*", re.S)
_OPTION = re.compile(r"""([\w.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))""")

_LOGIN_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "PlainLoginModule": {"username": "sasl.username", "password": "sasl.password"},
    "ScramLoginModule": {"username": "sasl.username", "password": "sasl.password"},
    "Krb5LoginModule": {"keyTab": "sasl.kerberos.keytab", "principal": "sasl.kerberos.principal"},
    "OAuthBearerLoginModule": {
        "clientId": "sasl.oauthbearer.client.id",
        "clientSecret": "sasl.oauthbearer.client.secret",
        "scope": "sasl.oauthbearer.scope",
    },
}


def _jaas(key: str, value: str) -> Mapping[str, str]:
    login = _LOGIN.fullmatch(value)
    module = login[1].rpartition(".")[2] if login else ""
    if login is None or module not in _LOGIN_OPTIONS:
        # The text holds a password: say nothing of it.
        raise ConfigError(
            key,
            f"{key} does not begin with a login module known here.",
            cure=f"Write '<module> required option=\"value\";' with one of "
            f"{', '.join(_LOGIN_OPTIONS)}.",
        )
    names = _LOGIN_OPTIONS[module]
    found = {"sasl.oauthbearer.method": "oidc"} if module == "OAuthBearerLoginModule" else {}
    for option in _OPTION.finditer(login[3]):
        quoted = option[2] if option[2] is not None else option[3]
        if option[1] in names:
            text = option[4] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[names[option[1]]] = text
    return found


_TRANSLATORS: Mapping[str, Translator] = {
    "buffer.memory": _buffer_memory,
    "batch.size": _batch_size,
    "acks": _acks,
    "enable.idempotence": _idempotence,
    "enable.auto.commit": _auto_commit,
    "send.buffer.bytes": _socket_buffer,
    "receive.buffer.bytes": _socket_buffer,
    "auto.offset.reset": _reset,
    "partition.assignment.strategy": _assignors,
    "ssl.endpoint.identification.algorithm": _endpoint_check,
    "ssl.truststore.location": _truststore,
    "ssl.keystore.location": _keystore,
    "sasl.jaas.config": _jaas,
}
