"""The keys of a standalone worker's file.

Follows ``org.apache.kafka.connect.runtime.{WorkerConfig,standalone.StandaloneConfig}`` with one
addition: without ``bootstrap.servers`` the worker keeps its topics in the embedded log
(``log.file``), and then every key has a default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, NamedTuple

from connect.config import (
    Config,
    Importance,
    Kind,
    boolean,
    choice,
    class_name,
    integer,
    listing,
    optional_string,
    refused,
    string,
)
from connect.errors import ConfigError
from connect.validators import at_least

JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"
SIMPLE_HEADER_CONVERTER = "org.apache.kafka.connect.storage.SimpleHeaderConverter"
DEFAULT_OFFSETS = "connect.offsets"
DEFAULT_LOG = "connect.log"
DEFAULT_PORT = 8083

CLIENT_PREFIXES = ("producer.", "consumer.", "admin.")


class AdvertisedListener(StrEnum):
    HTTP = "http"


class OverridePolicy(StrEnum):
    ALL = "All"
    NONE = "None"
    PRINCIPAL = "Principal"


class Listener(NamedTuple):
    """One address REST listens on; an empty host is every interface."""

    host: str
    port: int


def parse_listener(text: str) -> Listener:
    """``http://host:port``. ConfigError for anything else."""
    match = re.fullmatch(r"(?i)(\w+)://(\[[0-9a-f:.]*\]|[^:/\[\]]*)(?::(\d{1,5}))?", text)
    if match is None or int(match[3] or 0) > 65535:
        raise ConfigError(
            "listeners", f"The listener {text!r} cannot be read.", cure="Write http://host:port."
        )
    if match[1].lower() != "http":
        raise ConfigError(
            "listeners",
            f"The listener {text!r} asks for {match[1]}, but only http is served.",
            cure="Let a reverse proxy in front of http://127.0.0.1:8083 do the encryption.",
        )
    host = match[2].strip("[]")
    return Listener("" if host == "0.0.0.0" else host, int(match[3] or DEFAULT_PORT))


class WorkerConfig(Config):
    """A standalone worker."""

    prefixes: ClassVar[tuple[str, ...]] = (
        "key.converter.",
        "value.converter.",
        "header.converter.",
        "config.providers.",
        *CLIENT_PREFIXES,
        "ssl.",
        "sasl.",
        "security.",
    )

    bootstrap_servers = optional_string(
        "bootstrap.servers", importance=Importance.HIGH,
        doc="Kafka brokers, host:port separated by commas; without it the embedded log is used.",
    )  # fmt: skip
    log_file = optional_string(
        "log.file",
        doc=f"File of the embedded log; {DEFAULT_LOG} beside the offsets file if not set.",
    )
    key_converter = class_name(
        "key.converter", None, importance=Importance.HIGH,
        doc="Converter of record keys; JSON with the embedded log if not set.",
    )  # fmt: skip
    value_converter = class_name(
        "value.converter", None, importance=Importance.HIGH,
        doc="Converter of record values; JSON with the embedded log if not set.",
    )  # fmt: skip
    header_converter = class_name(
        "header.converter", SIMPLE_HEADER_CONVERTER, doc="Converter of record headers.",
        importance=Importance.LOW,
    )  # fmt: skip
    offset_file = optional_string(
        "offset.storage.file.filename", importance=Importance.HIGH,
        doc="File of the source offsets, in Kafka Connect's format.",
    )  # fmt: skip
    offset_flush_interval = integer(
        "offset.flush.interval.ms", 60_000, kind=Kind.LONG, valid=[at_least(0)],
        doc="How often offsets are stored and sinks commit, ms.",
    )  # fmt: skip
    offset_flush_timeout = integer(
        "offset.flush.timeout.ms", 5_000, kind=Kind.LONG, valid=[at_least(0)],
        doc="How long a stopping task waits for its records to be acknowledged, ms.",
    )  # fmt: skip
    graceful_timeout = integer(
        "task.shutdown.graceful.timeout.ms", 5_000, kind=Kind.LONG, valid=[at_least(0)],
        doc="How long tasks may take to stop, all together, before they are killed, ms.",
    )  # fmt: skip
    listeners = listing(
        "listeners", [f"http://:{DEFAULT_PORT}"], doc="Addresses REST listens on.",
        valid=[lambda value: None if value else "at least one listener is needed"],
    )  # fmt: skip
    advertised_host = optional_string(
        "rest.advertised.host.name", doc="The host name in this worker's id."
    )
    advertised_port = integer(
        "rest.advertised.port", None, doc="The port in this worker's id.", importance=Importance.LOW
    )
    advertised_listener = choice(
        "rest.advertised.listener", AdvertisedListener, AdvertisedListener.HTTP,
        doc="Accepted; there is one kind of listener.",
        importance=Importance.LOW,
    )  # fmt: skip
    admin_listeners = listing(
        "admin.listeners", None, importance=Importance.LOW,
        doc="Empty switches /admin off; other addresses than listeners are not supported.",
        valid=[lambda value: "only an empty list is supported" if value else None],
    )  # fmt: skip
    allow_origin = string("access.control.allow.origin", "", doc="CORS: origins that may call.")
    allow_methods = string("access.control.allow.methods", "", doc="CORS: methods they may use.")
    response_headers = refused(
        "response.http.headers.config", "", "set headers in the proxy in front of the worker"
    )
    rest_extensions = refused("rest.extension.classes", [], "they are Java classes", kind=Kind.LIST)
    override_policy = choice(
        "connector.client.config.override.policy", OverridePolicy, OverridePolicy.ALL,
        doc="Which producer.override.* and consumer.override.* keys a connector may set.",
    )  # fmt: skip
    topic_creation_enable = boolean(
        "topic.creation.enable", True, doc="Let sources create topics with topic.creation.* keys.",
        importance=Importance.LOW,
    )  # fmt: skip
    topic_tracking_enable = boolean(
        "topic.tracking.enable", True, doc="Keep the list of topics each connector uses.",
        importance=Importance.LOW,
    )  # fmt: skip
    topic_tracking_reset = boolean(
        "topic.tracking.allow.reset", True, doc="Let REST clear that list.",
        importance=Importance.LOW,
    )  # fmt: skip
    config_providers = listing(
        "config.providers", doc="Names of the config providers.", importance=Importance.LOW
    )
    client_id = string(
        "client.id", "", doc="Accepted; each task's clients are named after connector and task."
    )
    client_dns_lookup = string(
        "client.dns.lookup", "use_all_dns_ips", doc="How broker names are resolved.",
        importance=Importance.LOW,
    )  # fmt: skip

    def __init__(self, settings: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.addresses = [parse_listener(text) for text in self.listeners]

    def check(self) -> Iterator[ConfigError]:
        yield from super().check()
        if self.bootstrap_servers:
            for key in ("key.converter", "value.converter", "offset.storage.file.filename"):
                if not self.values[key]:
                    yield ConfigError(
                        key,
                        f'Missing required configuration "{key}" which has no default value.',
                    )

    @property
    def offsets_path(self) -> Path:
        return Path(self.offset_file or DEFAULT_OFFSETS)

    def log_settings(self) -> dict[str, str]:
        """What ``connect.log.open_log`` needs to know."""
        settings = dict(self.settings)
        if not self.bootstrap_servers:
            settings.setdefault("log.file", str(self.offsets_path.parent / DEFAULT_LOG))
        return settings

    def converter_name(self, key: str) -> str:
        """The converter class of ``key.converter``, ``value.converter`` or ``header.converter``."""
        return self.values[key] or JSON_CONVERTER

    def problems(self) -> tuple[list[str], list[ConfigError]]:
        """Warnings about settings nobody uses, and errors for those that look like typos."""
        warnings, errors = [], []
        for name, near in self.unknown(self.settings):
            if near:
                errors.append(
                    ConfigError(
                        name, f"The worker has no key {name}.", cure=f"Did you mean {near}?"
                    )
                )
            elif name in _JVM_KEYS or name.startswith(_JVM_PREFIXES):
                warnings.append(f"The worker key {name} is for the JVM and has no effect here.")
            else:
                warnings.append(f"The worker key {name} is not known and has no effect.")
        return warnings, errors

    def forbidden_overrides(self, connector: Mapping[str, str]) -> Iterator[ConfigError]:
        """Client overrides that ``connector.client.config.override.policy`` does not allow."""
        allowed = _PRINCIPAL_KEYS if self.override_policy is OverridePolicy.PRINCIPAL else ()
        for name in connector:
            client, _, key = name.partition(".override.")
            if self.override_policy is OverridePolicy.ALL or f"{client}." not in CLIENT_PREFIXES:
                continue
            if key not in allowed:
                yield ConfigError(
                    name,
                    f"The policy {self.override_policy.value} does not allow {name}.",
                    cure="The worker key connector.client.config.override.policy decides it.",
                )


_PRINCIPAL_KEYS = ("sasl.jaas.config", "sasl.mechanism", "security.protocol")
_JVM_KEYS = ("plugin.path", "plugin.discovery", "metric.reporters")
_JVM_PREFIXES = ("metrics.",)
