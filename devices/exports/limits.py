"""What lies beyond any number that a sound file holds, whatever its format."""

from __future__ import annotations

LARGEST = 1e9  # no sensor gives more, in any unit
UNIX_S = (1e8, 1e10)  # a time in seconds since 1970: 1973 to 2286
