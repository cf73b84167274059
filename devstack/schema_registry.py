"""A schema registry with Confluent's API: Apicurio, its data in memory."""

import re
from pathlib import Path

from devstack import cache, docker, maven
from devstack.ports import answer
from devstack.process import Process
from devstack.server import Server

VERSION = "2.6.13.Final"
ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
API = "/apis/ccompat/v7"


def schema_registry() -> "SchemaRegistry":
    """Return a schema registry to enter. A restart empties it."""
    return SchemaRegistry()


class SchemaRegistry(Server):
    """A schema registry for Avro, JSON Schema and Protobuf; new schemas are backward compatible."""

    name = "Schema registry (Apicurio 2.6)"

    @property
    def url(self) -> str:
        """The address to give to Confluent's registry clients."""
        return f"http://{self.host}:{self.port}{API}"

    def _fetch(self) -> None:
        """Fetch the registry."""
        self._application()

    def _answers(self) -> bool:
        request = f"GET {API}/subjects HTTP/1.0\r\nHost: {self.host}\r\n\r\n".encode()
        return re.match(rb"HTTP/1\.\d 200", answer(self.port, request, 12)) is not None

    def _process(self) -> Process:
        application = self._application()
        process = Process("schema-registry")
        process.argv = [
            *(maven.java(), "-XX:+UseSerialGC", "-Xmx384m"),
            f"-Dquarkus.http.host={self.host}",
            f"-Dquarkus.http.port={self.port}",
            "-Dregistry.rules.global.compatibility=BACKWARD",
            *("-jar", application),
        ]
        return process

    def _container(self) -> docker.Container:
        return docker.Container(
            self.name,
            f"apicurio/apicurio-registry-mem:{VERSION}",
            inner_port=8080,
            port=self.port,
            command=[],
            environment={"REGISTRY_RULES_GLOBAL_COMPATIBILITY": "BACKWARD"},
        )

    def _application(self) -> Path:
        folder = cache.built(
            "schema-registry",
            f"{self.name} from Maven, 142 MB",
            lambda scratch: maven.unpack(ARTIFACT, scratch),
        )
        return folder / f"apicurio-registry-app-{VERSION}-runner.jar"
