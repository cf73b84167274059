"""Config providers (KIP-297): ``${file:/etc/secrets.properties:password}`` inside a setting.

References are resolved when a connector or task starts; what REST shows is the reference. One
that nobody can resolve stays as it is, as in ``org.apache.kafka.common.config.ConfigTransformer``.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from connect.config import parse_list
from connect.errors import ConfigError
from connect.runtime import properties

_REFERENCE = re.compile(r"\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}")


class ConfigProvider(ABC):
    """Looks up single values; ``parameters`` are ``config.providers.<name>.param.*``."""

    @abstractmethod
    def __init__(self, parameters: Mapping[str, str]) -> None: ...

    @abstractmethod
    def get(self, path: str, key: str) -> str | None:
        """The value, or None where there is no such key. ConfigError for a bad path."""


class _Files(ConfigProvider):
    def __init__(self, parameters: Mapping[str, str]) -> None:
        allowed = parse_list(parameters.get("allowed.paths", ""))
        self.allowed = [Path(item).resolve() for item in allowed]

    def permitted(self, path: str) -> Path:
        found = Path(path).resolve()
        if self.allowed and not any(found.is_relative_to(folder) for folder in self.allowed):
            raise ConfigError(
                "config.providers",
                f"The path {path} is not permitted to a config provider.",
                cure="Add it to allowed.paths of the provider.",
            )
        return found


class FileConfigProvider(_Files):
    """``${file:<properties file>:<property>}``"""

    def get(self, path: str, key: str) -> str | None:
        return properties.read(self.permitted(path)).get(key) if path else None


class DirectoryConfigProvider(_Files):
    """``${directory:<folder>:<file name>}``, the value being the file's text."""

    def get(self, path: str, key: str) -> str | None:
        file = self.permitted(path) / key
        if not path or Path(key).name != key or not file.is_file():
            return None
        return self.permitted(str(file)).read_text("utf-8")


class EnvVarConfigProvider(ConfigProvider):
    """``${env:<variable>}``"""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        pattern = parameters.get("allowlist.pattern", ".*")
        try:
            self.allowed = re.compile(pattern)
        except re.error as error:
            raise ConfigError(
                "config.providers", f"allowlist.pattern {pattern!r} cannot be read: {error}"
            ) from error

    def get(self, path: str, key: str) -> str | None:
        return os.environ.get(key) if not path and self.allowed.fullmatch(key) else None


_PROVIDERS: Mapping[str, type[ConfigProvider]] = {
    provider.__name__: provider
    for provider in (FileConfigProvider, DirectoryConfigProvider, EnvVarConfigProvider)
}


class Resolver:
    """All config providers of a worker."""

    def __init__(self, worker_settings: Mapping[str, str]) -> None:
        self._providers: dict[str, ConfigProvider] = {}
        for name in parse_list(worker_settings.get("config.providers", "")):
            prefix = f"config.providers.{name}."
            class_name = worker_settings.get(f"{prefix}class", "")
            provider = _PROVIDERS.get(class_name.rpartition(".")[2])
            if provider is None:
                raise ConfigError(
                    f"{prefix}class",
                    f"The config provider {name} has the class {class_name!r}, which is not known.",
                    cure=f"Known are {', '.join(_PROVIDERS)}.",
                )
            start = f"{prefix}param."
            self._providers[name] = provider(
                {k[len(start) :]: v for k, v in worker_settings.items() if k.startswith(start)}
            )

    def resolve(self, settings: Mapping[str, str]) -> dict[str, str]:
        """The settings with every reference that can be resolved replaced by its value."""
        return {name: _REFERENCE.sub(self._value, text) for name, text in settings.items()}

    def _value(self, match: re.Match[str]) -> str:
        provider = self._providers.get(match[1])
        value = provider.get(match[3] or "", match[4]) if provider else None
        return match[0] if value is None else value

    def hide(self, task: Mapping[str, str], connector: Mapping[str, str]) -> dict[str, str]:
        """A task's settings with each value that came out of a reference put back as that."""
        resolved = self.resolve(connector)
        references = {
            value: connector[name] for name, value in resolved.items() if value != connector[name]
        }
        return {name: references.get(value, value) for name, value in task.items()}
