"""The browser of the tests that look at pages in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.flows.web.live import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for a file: while it is open, its thread can run no other event loop."""
    with chromium() as found:
        yield found
