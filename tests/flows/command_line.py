"""The command line for tests: as a person runs it, or in this process, which has its imports behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from flows.cli import main
from tests.conftest import REPO

Ended = subprocess.CompletedProcess[str]


def vagal(*arguments: object, home: Path, **environment: str) -> Ended:
    """What a process of its own says, and how it ends."""
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments)]
    settings = {**os.environ, "VAGAL_HOME": str(home), **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=REPO, env=settings, check=False)


def vagal_here(*arguments: object, home: Path, **environment: str) -> Ended:
    """The same without the process, for what neither records nor starts another."""
    command = ["vagal", *map(str, arguments)]
    out, err, code = StringIO(), StringIO(), 0
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, {"VAGAL_HOME": str(home), **environment}),
        chdir(REPO),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Ended(command, code, out.getvalue(), err.getvalue())
