"""The cache folder: complete or not there, built once."""

import subprocess
import sys
from pathlib import Path

import pytest

import devstack
from devstack import cache

BUILDER = """
import sys, time
from pathlib import Path
from devstack import cache

def build(folder):
    with open(sys.argv[1], "a") as builds:
        builds.write("x")
    (folder / "first").touch()
    time.sleep(0.5)
    (folder / "second").touch()

print(sorted(path.name for path in cache.built("thing", "building", build).iterdir()))
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVSTACK_CACHE", str(tmp_path / "cache"))


def test_several_processes_build_once_and_see_all_of_it(tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUILDER, builds],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(devstack.__file__).parent.parent,
        )
        for _ in range(4)
    ]
    said = [process.communicate()[0] for process in processes]
    assert said == ["['first', 'second']\n"] * 4
    assert builds.read_text() == "x"


def test_a_failed_build_leaves_nothing_and_the_next_succeeds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def half(folder: Path) -> None:
        (folder / "half").touch()
        raise devstack.DevstackError("the line dropped")

    with pytest.raises(devstack.DevstackError, match="the line dropped"):
        cache.built("thing", "fetching a thing, 5 MB", half)
    assert [path.name for path in cache.folder().iterdir()] == ["locks"]
    assert cache.built("thing", "fetching a thing, 5 MB", lambda _: None).is_dir()
    cache.built("thing", "fetching a thing, 5 MB", half)
    assert capsys.readouterr().err.splitlines() == [
        "devstack: fetching a thing, 5 MB ... failed",
        "devstack: fetching a thing, 5 MB ... done in 0 s",
    ]


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.folder() == tmp_path / "cache"
    monkeypatch.delenv("DEVSTACK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "mysql-cdc-devstack"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "mysql-cdc-devstack"
