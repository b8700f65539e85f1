"""One server process: started, waited for, paused, killed, stopped, and never left behind."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.05
STOP_WITHIN_S = 20.0
TAIL_LINES = 25


class NotStarted(RuntimeError):  # noqa: N818 - reads as the sentence it raises
    """A server ended, or did not answer in time; the message ends with its log."""


class Daemon:
    """A server's process on this machine; its data folder and ports outlive a kill, so it can be started again."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        data_dir: Path,
        *,
        is_ready: Callable[[], bool],
        stop_signal: signal.Signals = signal.SIGTERM,
        ready_within_s: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = data_dir / f"{name}.log"
        self.started_in_s = 0.0
        self._is_ready = is_ready
        self._stop_signal = stop_signal
        self._ready_within_s = ready_within_s
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process exists, paused or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and return once the server answers."""
        if self.is_running:
            raise RuntimeError(f"{self.name} is already running")
        began_s = time.monotonic()
        with self.log.open("ab") as log:
            # In a session of its own Ctrl-C does not reach it before we stop it in order; should we die first,
            # the kernel kills it.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._wait_until_ready(began_s + self._ready_within_s)
        self.started_in_s = time.monotonic() - began_s

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open and nobody answers."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill the process on the spot (SIGKILL)."""
        if self._process is not None and self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """Ask the process to end, and kill it if it does not."""
        if self._process is None or not self.is_running:
            return
        os.killpg(self.pid, self._stop_signal)
        self.resume()  # a frozen process hears nothing
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def _wait_until_ready(self, deadline_s: float) -> None:
        while not self._is_ready():
            if not self.is_running:
                raise NotStarted(self._complaint("ended before it answered"))
            if time.monotonic() > deadline_s:
                self.kill()
                raise NotStarted(self._complaint(f"did not answer within {self._ready_within_s:.0f} s"))
            time.sleep(POLL_S)

    def _complaint(self, what: str) -> str:
        with self.log.open(errors="replace") as log:
            tail = "".join(deque(log, TAIL_LINES))
        return f"{self.name} {what}: {' '.join(self.command)}\nthe end of {self.log}:\n{tail or '(empty)'}"


@contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    """Start the daemon, and stop it at the end whatever happens."""
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
