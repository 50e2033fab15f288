"""Knowledge at rest: what lies in data/, in a checkout or inside the installed package."""

from __future__ import annotations

from pathlib import Path


def data_path() -> Path:
    """The folder of protocols, psycho-education and references."""
    here = Path(__file__).parent
    packaged = here / "_data"
    return packaged if packaged.is_dir() else here.parent / "data"
