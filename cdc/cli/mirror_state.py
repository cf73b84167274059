"""The folder of a mirror's state: offsets, the embedded log, and a note of whose they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from connect.errors import ConfigError

_NOTE = "mirror.json"


class MirrorState:
    """One folder, for one mirror: what another mirror left must not be gone on from."""

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        """Make the folder. ConfigError if it is another mirror's, or cannot be written to."""
        self._note = folder / _NOTE
        self._identity = dict(identity)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            before = json.loads(self._note.read_text("utf-8")) if self._note.exists() else None
        except (OSError, ValueError) as error:
            raise ConfigError(
                "--state",
                f"The folder {folder} cannot be used for the mirror's state: {error}.",
                cure="Name another with --state.",
            ) from error
        if before not in (None, self._identity):
            other = ", ".join(f"{name} {value}" for name, value in before.items())
            raise ConfigError(
                "--state",
                f"The folder {folder} holds the state of another mirror ({other}).",
                cure="Name another with --state, or go on with the same options as before.",
            )

    def claim(self) -> None:
        """Note that the folder is this mirror's from now on."""
        self._note.write_text(json.dumps(self._identity, indent=2) + "\n", "utf-8")
