"""A helper ends with the process that started it, however that one ends.

It holds the reading end of a pipe; that it is closed is all it ever hears. Nothing it does is lost by this:
what matters is written whole or not at all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def tether() -> None:
    """End this process and all that it started as soon as its standard input ends."""
    threading.Thread(target=_wait, args=(sys.stdin.fileno(),), name="vagal-tether", daemon=True).start()


def _wait(pipe: int) -> None:
    while os.read(pipe, 1024):
        pass
    end_group(os.getpid())
    os._exit(1)


def end_group(leader: int) -> None:
    """End a process and what it started, at once."""
    if os.name == "posix":
        try:
            os.killpg(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # gone; macOS refuses where only a zombie is left
            return
    else:
        command = ["taskkill", "/T", "/F", "/PID", str(leader)]
        subprocess.run(command, capture_output=True, check=False)
