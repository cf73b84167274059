"""Debian packages unpacked into the cache, beside whatever system this is.

apt is used with folders of its own, so the system's package lists and installed packages are
neither read nor changed. The mirror is the one the machine is configured for. The programs run
through the C library and loader that came with them.
"""

import os
import re
import shutil
from pathlib import Path

from devstack import cache
from devstack.command import run
from devstack.errors import DevstackError


def unpack(suite: str, packages: list[str], target: Path) -> None:
    """Unpack packages of a Debian suite, with all they need, into the folder ``target``."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise DevstackError(
                f"{', '.join(packages)} from Debian {suite}: there is no {tool} here;"
                " use a Debian system or start a Docker engine"
            )
    with cache.locked(f"apt-{suite}"):
        options = _private_folders(suite)
        run(["apt-get", *options, "update"], doing=f"reading Debian {suite}'s package list")
        archives = cache.folder() / "apt" / suite / "cache" / "archives"
        shutil.rmtree(archives, ignore_errors=True)
        (archives / "partial").mkdir(parents=True)
        run(
            [
                *("apt-get", *options, "-y", "--download-only", "--no-install-recommends"),
                *("install", *packages),
            ],
            doing=f"downloading {', '.join(packages)} from Debian {suite}",
        )
        for archive in sorted(archives.glob("*.deb")):
            run(["dpkg-deb", "-x", archive, target], doing=f"unpacking {archive.name}")
        shutil.rmtree(archives)


def loader(root: Path) -> list[str]:
    """Return the command prefix that runs a program of ``root`` with the libraries of ``root``."""
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    for library in libraries:
        for program in sorted(library.glob("ld-linux*.so.*")):
            return [str(program), "--library-path", ":".join(map(str, libraries))]
    raise DevstackError(f"no program loader under {root}; remove that folder and try again")


def _private_folders(suite: str) -> list[str]:
    own = cache.folder() / "apt" / suite
    for name in ("state/lists/partial", "cache/archives/partial"):
        (own / name).mkdir(parents=True, exist_ok=True)
    (own / "state" / "status").touch()
    sources = own / "sources.list"
    # The packages are used by this folder's servers only, and another Debian release than this
    # one may be signed with keys this machine does not have yet.
    sources.write_text(f"deb [trusted=yes] {_mirror()} {suite} main\n")
    options = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": own / "state",
        "Dir::State::status": own / "state" / "status",
        "Dir::Cache": own / "cache",
    }
    if os.geteuid() == 0:
        options["APT::Sandbox::User"] = "root"
    return [f"-o{name}={value}" for name, value in options.items()]


def _mirror() -> str:
    listed = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], doing="asking apt for its mirror"
    )
    for line in listed.splitlines():
        if re.match(r"\w+:", line) and "security" not in line:
            return line
    raise DevstackError("apt has no package mirror configured; add one to /etc/apt/sources.list.d")
