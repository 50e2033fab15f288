"""The PDF: tagged, nothing fetched, and on paper what it should be, looked at as a picture."""

import contextlib
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any

import numpy as np
import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.errors import InputError
from pipeline.guidance.psychoeducation import cards
from pipeline.report.client_page import render_client
from pipeline.report.context import Context
from pipeline.report.page import render
from pipeline.report.pdf import pdf_of
from tests.pipeline.report.known import known, released
from tests.pipeline.report.recordings import beats, recording

A4_PT = (596, 842)  # rounded up
MARGIN_PT = 22  # which no ink may reach
MOST_PAGES = 6

try:
    import weasyprint  # noqa: F401
except (ImportError, OSError):  # OSError: without Pango
    pytest.skip("WeasyPrint or its libraries are not installed", allow_module_level=True)


def _page(name: str) -> str:
    if name == "clinician":
        return render(_analysis(), known())
    if name == "short":
        streams = {"rr": beats(40.0)}
        return render(analyse(recording(40.0, streams=streams, phases=(), markers=(), ratings=())))
    context = known(card=cards()["settling-can-be-practised"])
    return render_client(_analysis(), released(context) if name == "released" else context)


_OPEN = contextlib.ExitStack()  # documents, until the last test has read them


@cache
def _analysis() -> Analysis:
    return analyse(recording())


@cache
def _pdf(name: str) -> bytes:
    return pdf_of(_page(name))


@cache
def _document(name: str) -> Any:
    return _OPEN.enter_context(closing(pytest.importorskip("pypdfium2").PdfDocument(_pdf(name))))


@pytest.fixture(scope="module", autouse=True)
def _closed_afterwards() -> Iterator[None]:
    with _OPEN:
        yield
    _document.cache_clear()


def _unpacked(name: str) -> bytes:
    """Everything that the file holds, its compressed parts too."""
    parts = [_pdf(name)]
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", _pdf(name), re.DOTALL):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompress(packed))
    return b"".join(parts)


def _ink(name: str, page: int) -> Any:
    """The page in points, 0 where it is white and 1 where it is black."""
    grey = _document(name)[page].render(scale=1, grayscale=True).to_numpy()
    return 1 - grey.reshape(grey.shape[0], grey.shape[1]) / 255


def _words(name: str) -> str:
    return " ".join(page.get_textpage().get_text_range() for page in _document(name))


NAMES = ("clinician", "short", "draft", "released")


@pytest.mark.parametrize("name", NAMES)
class TestOnPaper:
    def test_is_a4_with_ink_on_every_page_and_none_in_its_margins(self, name: str) -> None:
        for page in range(len(_document(name))):
            ink = _ink(name, page)
            assert (round(ink.shape[1]), round(ink.shape[0])) == A4_PT
            assert ink.mean() > 0.002, f"page {page + 1} is empty"
            edges = (ink[:MARGIN_PT], ink[-MARGIN_PT:], ink[:, :MARGIN_PT], ink[:, -MARGIN_PT:])
            assert all(float(edge.max()) < 0.05 for edge in edges), f"page {page + 1} is cut off"

    def test_has_as_many_pages_as_it_needs(self, name: str) -> None:
        pages = len(_document(name))
        assert pages == 1 if name in ("draft", "released") else pages <= MOST_PAGES

    def test_is_tagged_and_named(self, name: str) -> None:
        content = _unpacked(name)
        for part in (b"/StructTreeRoot", b"/MarkInfo", b"/Lang", b"pdfuaid", b"/DisplayDocTitle true"):
            assert part in content, part

    def test_says_what_the_page_says(self, name: str) -> None:
        words = _words(name)
        assert ("Your session" if name in ("draft", "released") else "Session report") in words
        assert "Not a medical device" in " ".join(words.split())


class TestCharts:
    def test_lines_are_drawn(self) -> None:
        """The tachogram's blue is on the page: drawings are not left out."""
        pixels = np.concatenate(
            [page.render(scale=1).to_numpy().reshape(-1, 3) for page in _document("clinician")]
        ).astype(int)
        blue = (pixels[:, 0] - pixels[:, 2] > 60) & (pixels[:, 1] < 130)  # in the order blue, green, red
        assert np.count_nonzero(blue) > 2000

    def test_each_is_told_in_words(self) -> None:
        assert _unpacked("clinician").count(b"/Alt") >= 6


def test_a_draft_says_so_on_paper() -> None:
    assert "Draft." in _words("draft")
    assert "Draft." not in _words("released")


def test_nothing_is_fetched() -> None:
    page = '<html lang="en"><title>x</title><img src="http://127.0.0.1:9/x.png" alt="x"><p>There.</p></html>'
    with closing(pytest.importorskip("pypdfium2").PdfDocument(pdf_of(page))) as document:
        assert "There." in document[0].get_textpage().get_text_range()


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(InputError, match=r"needs WeasyPrint and Pango: .*pip install") as told:
        pdf_of(render_client(_analysis(), Context()))
    assert "\n" not in str(told.value)
