"""Servers as containers of a local Docker engine, through testcontainers where installed.

The images are those of compose.yml. testcontainers' own reaper removes the containers when this
process dies.
"""

import functools
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devstack.errors import DevstackError
from devstack.progress import shown

STOP_SECONDS = 60


@functools.cache
def engine_answers() -> bool:
    """Whether testcontainers is installed and a Docker engine of this machine answers it."""
    if not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
        return False
    try:
        client = importlib.import_module("docker").from_env(timeout=5)
        importlib.import_module("testcontainers.core.container")
    except ImportError:
        return False
    except Exception as error:  # docker's errors are known only where docker is importable
        return _absent(error)
    try:
        client.ping()
    except Exception as error:
        return _absent(error)
    finally:
        client.close()
    return True


def _absent(error: Exception) -> bool:
    if type(error).__module__.split(".")[0] in ("docker", "requests"):
        return False
    raise error


class Container:
    """One server container whose inner port is published on a fixed loopback port."""

    def __init__(
        self,
        name: str,
        image: str,
        *,
        inner_port: int,
        port: int,
        command: list[str],
        environment: dict[str, str],
    ) -> None:
        self.name = name
        self.log: Path | None = None
        module = importlib.import_module("testcontainers.core.container")
        self._container: Any = module.DockerContainer(image)
        self._container.ports[inner_port] = ("127.0.0.1", port)
        for key, value in environment.items():
            self._container.with_env(key, value)
        if command:
            self._container.with_command(command)
        self._created = False
        self._image = image

    @property
    def _docker(self) -> Any:
        return self._container.get_wrapped_container()

    def pull(self) -> None:
        """Download the image if it is not here yet."""
        absent = importlib.import_module("docker.errors").ImageNotFound
        images = self._container.get_docker_client().client.images
        with self._engine_errors():
            try:
                images.get(self._image)
            except absent:
                with shown(f"pulling the image {self._image}"):
                    images.pull(self._image)

    @contextmanager
    def _engine_errors(self) -> Iterator[None]:
        try:
            yield
        except importlib.import_module("docker.errors").DockerException as error:
            raise DevstackError(
                f"{self.name}: the Docker engine refuses: {error};"
                " cure that, or stop the engine to have the server as a local process"
            ) from error

    @property
    def pid(self) -> int:
        """The process id of the container's first process."""
        self._docker.reload()
        pid = int(self._docker.attrs["State"]["Pid"])
        if pid == 0:
            raise DevstackError(f"{self.name} is not running; start() it first")
        return pid

    def log_tail(self, lines: int) -> str:
        """The last lines the container printed."""
        return bytes(self._docker.logs(tail=lines)).decode(errors="replace")

    def alive(self) -> bool:
        """Whether the container runs."""
        self._docker.reload()
        return bool(self._docker.status in ("created", "running"))

    def start(self) -> None:
        """Create and start the container, or start the stopped one again."""
        if self._created:
            self._docker.start()
            return
        self.pull()
        with self._engine_errors():
            self._container.start()
        self._created = True

    def stop(self) -> None:
        """Let the server end in good order."""
        self._docker.stop(timeout=STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL the container's processes."""
        self._docker.kill()

    def discard(self) -> None:
        """Remove the container with its data."""
        self._container.stop()
