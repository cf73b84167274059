"""A server as a process of this machine: its folder, its start, its end with the parent."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack import cache, guardian
from devstack.errors import DevstackError

NOBODY = 65534
STOP_SECONDS = 60


class Process:
    """One server process in a temporary folder of its own, which a guardian removes if we die.

    ``quick_signal`` is what ends the server when its data is thrown away anyway;
    ``stop_signal`` asks it to end in good order. ``drop_root`` runs it as nobody when we are root.
    """

    def __init__(
        self,
        name: str,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        quick_signal: signal.Signals = signal.SIGKILL,
        drop_root: bool = False,
    ) -> None:
        if sys.platform != "linux":
            raise DevstackError(f"{name}: local servers are for Linux; start a Docker engine")
        self.name = name
        self.user = NOBODY if drop_root and os.geteuid() == 0 else None
        self.argv: Sequence[str | Path] = ()
        self.env: Mapping[str, str] | None = None
        self._stop_signal = stop_signal
        self._quick_signal = quick_signal
        self._running: subprocess.Popen[bytes] | None = None
        self.folder, self._alive = _new_folder(name)
        if self.user is not None:
            os.chown(self.folder, self.user, self.user)
        self._guardian = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", guardian.__file__),
                *(str(os.getpid()), self.folder, str(int(quick_signal))),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[self._alive],
        )

    @property
    def pid(self) -> int:
        """The server's process id; DevstackError if it is not running."""
        if self._running is None:
            raise DevstackError(f"{self.name} is not running; start() it first")
        return self._running.pid

    @property
    def log(self) -> Path:
        """The file with what the server printed, over all its starts."""
        return self.folder / "server.log"

    def log_tail(self, lines: int) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def alive(self) -> bool:
        """Whether the process is there."""
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        """Start the server; returns before it answers."""
        if self.alive():
            raise DevstackError(f"{self.name} is running already; stop() it first")
        pid_file = self.folder / guardian.PID_FILE
        with self.log.open("ab") as log:
            # The shell writes the pid before it becomes the server, so there is no moment at
            # which a server runs that the guardian would not find.
            self._running = subprocess.Popen(
                ["sh", "-c", 'echo $$ > "$0" && exec "$@"', pid_file, *self.argv],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )

    def stop(self) -> None:
        """Ask the server to end and wait for it; DevstackError if it had to be killed."""
        if self._running is None:
            return
        self._running.send_signal(self._stop_signal)
        try:
            self._running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DevstackError(
                f"{self.name} did not stop within {STOP_SECONDS} s and was killed;"
                f" its last words:\n{self.log_tail(15)}"
            ) from None
        self._ended()

    def kill(self) -> None:
        """SIGKILL the server and its children now."""
        self._end(signal.SIGKILL)

    def discard(self) -> None:
        """End the server the quick way, remove its folder, dismiss the guardian."""
        self._end(self._quick_signal)
        guardian.clear(self.folder, self._quick_signal)
        self._guardian.kill()
        self._guardian.wait()
        os.close(self._alive)

    def _end(self, signum: int) -> None:
        if self._running is None:
            return
        if self._running.poll() is None:
            guardian.end(self._running.pid, signum)
            self._running.wait()
        self._ended()

    def _ended(self) -> None:
        self._running = None
        (self.folder / guardian.PID_FILE).unlink(missing_ok=True)


def _new_folder(name: str) -> tuple[Path, int]:
    """Return a new folder and the descriptor whose lock says that somebody looks after it.

    Folders whose lock is free were left behind by a parent and a guardian that both got killed;
    they are cleared on the way.
    """
    prefix = f"devstack-{os.getuid()}-"
    with cache.locked("folders"):
        for old in Path(tempfile.gettempdir()).glob(f"{prefix}*/alive"):
            with old.open("r+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                guardian.clear(old.parent, signal.SIGKILL)
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{name}-"))
        alive = os.open(folder / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(alive, fcntl.LOCK_EX)
    return folder, alive
