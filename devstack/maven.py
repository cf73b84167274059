"""Artifacts of Maven repositories, by name, through the machine's own mvn and its settings."""

import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from devstack import cache
from devstack.command import run
from devstack.errors import DevstackError

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"


def java() -> str:
    """Return the java program; DevstackError if there is none of version 17 or later."""
    found = shutil.which("java")
    if found is None:
        raise DevstackError("there is no java; install a Java 17 runtime or start a Docker engine")
    said = subprocess.run([found, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < 17:
        raise DevstackError(f"{found} is older than Java 17; put a Java 17 runtime first on PATH")
    return found


def libraries(artifacts: list[str], target: Path) -> None:
    """Copy the jars of ``group:name:version`` artifacts and all they need into ``target``."""
    dependencies = "".join(_dependency(artifact) for artifact in artifacts)
    with tempfile.TemporaryDirectory() as project:
        pom = Path(project) / "pom.xml"
        pom.write_text(
            "<project><modelVersion>4.0.0</modelVersion>"
            "<groupId>devstack</groupId><artifactId>libraries</artifactId><version>1</version>"
            f"<dependencies>{dependencies}</dependencies></project>"
        )
        _mvn(
            ["-f", str(pom), f"{PLUGIN}:copy-dependencies", f"-DoutputDirectory={target}"],
            artifacts,
        )


def unpack(artifact: str, target: Path) -> None:
    """Unpack one ``group:name:version[:type[:classifier]]`` archive into ``target``."""
    with tempfile.TemporaryDirectory() as download:
        _mvn(
            [f"{PLUGIN}:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={download}"],
            [artifact],
        )
        for archive in Path(download).iterdir():
            extract(archive, target)


def extract(archive: Path, target: Path) -> None:
    """Unpack a zip, jar or tar file into ``target``, with its links and modes."""
    if not zipfile.is_zipfile(archive):
        with tarfile.open(archive) as packed:
            # Python asks which members to trust from 3.11.4 on.
            packed.extraction_filter = getattr(tarfile, "tar_filter", None)
            packed.extractall(target)
        return
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            mode = member.external_attr >> 16
            path = target / member.filename
            if stat.S_ISLNK(mode):
                path.symlink_to(packed.read(member).decode())
            else:
                packed.extract(member, target)
                if mode:
                    path.chmod(stat.S_IMODE(mode))


def _dependency(artifact: str) -> str:
    group, name, version = map(escape, artifact.split(":"))
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>"
    )


def _mvn(arguments: list[str], artifacts: list[str]) -> None:
    if shutil.which("mvn") is None:
        raise DevstackError(
            f"{', '.join(artifacts)}: there is no mvn; install Maven or start a Docker engine"
        )
    # Two mvn processes must not write one local repository at a time, hence a repository of our
    # own and a lock. It is dropped afterwards: the archives are as large as what they unpack to.
    with cache.locked("maven"):
        repository = cache.folder() / "maven"
        try:
            run(
                ["mvn", "-q", "-B", f"-Dmaven.repo.local={repository}", *arguments],
                doing=f"downloading {', '.join(artifacts)} with Maven",
                cwd=cache.folder(),
            )
        finally:
            shutil.rmtree(repository, ignore_errors=True)
