"""What can go wrong, as a person is told it.

VagalError                 one clear line, and the exit code of the command line
├── InsufficientDataError 1   the data cannot carry what was asked for
├── UsageError         2   the request itself is wrong
│   └── InUseError         another process holds what was asked for
├── InputError         3   a file that cannot be read
│   └── FrameError         bytes from a device that do not follow its protocol
└── DeviceError        3   Bluetooth, a sensor, or the link to it
    └── PairingError       a sensor that wants to be paired first
"""

from __future__ import annotations

_LONGEST = 1500


class VagalError(Exception):
    """A failure with a message written for the person at the keyboard."""

    exit_code = 1


class InsufficientDataError(VagalError):
    """The data cannot support the result; the message says why."""


class UsageError(VagalError):
    """The request is wrong; the message says how to put it right."""

    exit_code = 2


class InUseError(UsageError):
    """Another process holds what was asked for; the message says what."""


class InputError(VagalError):
    """A file cannot be used; the message names it and, where known, the line."""

    exit_code = 3


class FrameError(InputError):
    """Bytes that a protocol does not allow; the message shows them."""

    def __init__(self, protocol: str, frame: bytes, reason: str) -> None:
        super().__init__(f"{protocol} frame {bytes(frame).hex()}: {reason}")
        self.protocol, self.frame, self.reason = protocol, bytes(frame), reason


class DeviceError(VagalError):
    """Bluetooth or a sensor is not available; the message says what to do."""

    exit_code = 3


class PairingError(DeviceError):
    """A sensor answers only once it is paired; the message says how to do that."""


def legible(text: str) -> str:
    """Text that a file may have a part in, on one line that any terminal shows.

    Blanks of all kinds become spaces, other signs that can't be printed their escapes. It is cut where it is
    longer than anybody would read.
    """
    if not text.isprintable():
        text = "".join(map(_printable, text))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]} …"


def _printable(sign: str) -> str:
    if sign.isprintable():
        return sign
    return " " if sign.isspace() else sign.encode("unicode_escape").decode()
