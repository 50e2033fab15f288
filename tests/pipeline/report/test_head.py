import pytest

from pipeline.report.head import length


@pytest.mark.parametrize(
    ("duration_s", "told"),
    [
        pytest.param(40.0, "40 s", id="seconds"),
        pytest.param(60.0, "1 min", id="a minute"),
        pytest.param(3566.0, "59 min", id="rounded"),
        pytest.param(3600.0, "1 h", id="an hour"),
        pytest.param(3900.0, "1 h 5 min", id="more"),
    ],
)
def test_a_length_is_not_mistaken_for_a_time_of_day(duration_s: float, told: str) -> None:
    assert length(duration_s).replace("\u202f", " ") == told
