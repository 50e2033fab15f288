"""A real Chromium for tests and pictures, without its background traffic."""

from __future__ import annotations

from typing import Any

CHROMIUM: dict[str, Any] = {
    "executable_path": "/usr/bin/chromium",
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ],
}

# Pages draw sixty times a second. Where no graphics card does that, it costs more than all else that runs.
FEWER_FRAMES = """
const frame = requestAnimationFrame;
window.requestAnimationFrame = (draw) => setTimeout(() => frame(draw), 100);
window.cancelAnimationFrame = clearTimeout;
"""
