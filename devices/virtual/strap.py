"""A virtual heart-rate strap."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from bumble.core import UUID
from bumble.gatt import Service

from devices.drivers import heart_rate
from devices.drivers.heart_rate import HeartRateMeasurement
from devices.virtual.peripheral import Body, Label, Outlet, Peripheral, notifying
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock

LABEL = Label("Virtual HR strap", "C0:00:00:00:00:01", model="Virtual strap", serial="VS-0001")

_AVERAGED_BEATS = 4
_CONTACT_S = 5.0  # a strap without a beat for so long is taken to be off the skin
_MOST_TICKS = 0xFFFF


class VirtualStrap(Peripheral):
    """Each second it notifies the heart rate and the RR intervals completed in that second."""

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL) -> None:
        pulse = HeartRateOutlet(clock, body)
        service = Service(UUID(heart_rate.SERVICE), [pulse.outlet.characteristic])
        super().__init__(radio, clock, body, label, [service], [pulse.outlet])


class HeartRateOutlet:
    """The Heart Rate service's notifications, as any sensor that offers it sends them."""

    def __init__(self, clock: Clock, body: Body, *, with_rr: bool = True) -> None:
        measurement = notifying(heart_rate.MEASUREMENT)
        self.outlet = Outlet(heart_rate.CHANNEL, measurement, 1.0, self._payloads)
        self.with_rr = with_rr
        self._body = body
        self._recent_ms: deque[float] = deque(maxlen=_AVERAGED_BEATS)
        self._last_beat_s = clock.now()

    def _payloads(self, start_s: float, end_s: float) -> Iterator[bytes]:
        yield self.payload(start_s, end_s)

    def payload(self, start_s: float, end_s: float) -> bytes:
        """The notification due at `end_s`."""
        beats = self._body.beats(start_s, end_s)
        for beat_s, rr_ms in beats:
            self._last_beat_s = beat_s
            self._recent_ms.append(rr_ms)
        measurement = HeartRateMeasurement(
            heart_rate_bpm=self._heart_rate_bpm(),
            contact=end_s - self._last_beat_s < _CONTACT_S,
            rr_ticks=tuple(min(round(rr_ms * 1.024), _MOST_TICKS) for _, rr_ms in beats if self.with_rr),
        )
        return bytes(measurement)

    def _heart_rate_bpm(self) -> int:
        """The mean of the latest beats; 0, as straps send, before the first."""
        whole_ms = sum(self._recent_ms)
        return round(60_000 * len(self._recent_ms) / whole_ms) if whole_ms else 0
