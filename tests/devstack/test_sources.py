"""Where servers come from, and what is said when they cannot be had."""

import re
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from devstack import DevstackError, apt, docker, maven
from devstack.command import on_path, run
from tests.devstack.kinds import KINDS


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but what the test puts there; the cache is elsewhere too."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DEVSTACK_CACHE", str(tmp_path / "cache"))
    return folder


def program(path: Path, says: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\necho '{says}'\n")
    path.chmod(0o755)


def test_a_program_on_path_counts_only_with_the_right_version(only_path: Path) -> None:
    pattern = r"Ver 9.7\.\d+.*MySQL"
    assert on_path("mysqld", pattern) is None
    program(only_path / "mysqld", "mysqld  Ver 8.4.2 for Linux (MySQL Community Server)")
    assert on_path("mysqld", pattern) is None
    program(only_path / "mysqld", "mysqld  Ver 9.7.1 for Linux (MySQL Community Server)")
    assert on_path("mysqld", pattern) == only_path / "mysqld"


def test_missing_tools_are_named_with_the_cure(only_path: Path, tmp_path: Path) -> None:
    with pytest.raises(DevstackError, match=r"no apt-get here.*start a Docker engine"):
        apt.unpack("sid", ["mysql-server-core"], tmp_path)
    with pytest.raises(DevstackError, match="no mvn; install Maven or start a Docker engine"):
        maven.libraries(["a:b:1"], tmp_path)
    with pytest.raises(DevstackError, match="no java; install a Java 17"):
        maven.java()
    program(only_path / "java", 'openjdk version "11.0.2"')
    with pytest.raises(DevstackError, match="older than Java 17"):
        maven.java()
    program(only_path / "java", 'openjdk version "21"')
    assert maven.java() == str(only_path / "java")


def test_a_failing_tool_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(DevstackError, match=r"(?s)looking: sh ended with 3:.*no such luck"):
        run(["sh", "-c", "echo no such luck; exit 3"], doing="looking")
    with pytest.raises(DevstackError, match="looking: no-such-tool is not there; install it"):
        run(["no-such-tool"], doing="looking")


def test_archives_keep_modes_and_links(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "tool").write_text("tool")
    (source / "tool").chmod(0o755)
    (source / "link").symlink_to("tool")
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz") as packed:
        packed.add(source, ".")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed_zip:
        packed_zip.write(source / "tool", "tool")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed_zip.writestr(link, "tool")
    for name in ("a.tar.xz", "a.zip"):
        target = tmp_path / f"from-{name}"
        target.mkdir()
        maven.extract(tmp_path / name, target)
        assert (target / "tool").stat().st_mode & 0o777 == 0o755
        assert (target / "link").readlink() == Path("tool")
        assert (target / "link").read_text() == "tool"


def test_containers_run_the_images_of_compose_yml(monkeypatch: pytest.MonkeyPatch) -> None:
    images = set()
    monkeypatch.setattr(docker, "Container", lambda _, image, **__: images.add(image))
    for kind in KINDS:
        kind.make()._container()
    compose = Path(docker.__file__).parent.parent / "compose.yml"
    assert images == set(re.findall(r"image: (\S+)", compose.read_text()))
