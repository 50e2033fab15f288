"""What a clinic says of itself: the crisis line holds whatever is wrong with a logo or a phrase."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pipeline.clinic import LOGO_BYTES, Clinic, read_clinic
from pipeline.errors import InputError

LINE = 'crisis_line = "116 123"\n'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)


def svg(inside: str = '<path d="M0 0h9"/>', attributes: str = "") -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


def clinic(home: Path, toml: str) -> Clinic:
    (home / "clinic.toml").write_text(LINE + toml)
    found = read_clinic(home)
    assert found.crisis_line == "116 123"
    return found


@pytest.mark.parametrize(
    ("content", "clinic"),
    [
        (None, Clinic()),
        ("", Clinic()),
        ('name = "Park"', Clinic("Park", None)),
        ('name = ""\ncrisis_line = "116 123"\nother = 1', Clinic(None, "116 123")),
    ],
    ids=["no file", "empty", "a name", "a line"],
)
def test_a_clinic(tmp_path: Path, content: str | None, clinic: Clinic) -> None:
    if content is not None:
        (tmp_path / "clinic.toml").write_text(content)
    assert read_clinic(tmp_path) == clinic


@pytest.mark.parametrize("content", [b"name = ", b"crisis_line = 116", b"\xff"])
def test_a_clinic_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clinic.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"clinic\.toml: cannot be read .* two lines"):
        read_clinic(tmp_path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (svg(), "image/svg+xml"),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- drawn -->\n' + svg(), "image/svg+xml"),
        (svg('<g fill="url(#a)"><use href="#b"/></g><style>.a { fill: url(#a) }</style>'), "image/svg+xml"),
        (svg('<image href="data:image/png;base64,AAAA"/>'), "image/svg+xml"),
        (PNG + bytes(LOGO_BYTES - len(PNG)), "image/png"),
    ],
    ids=["png", "jpeg", "svg", "svg with a declaration", "svg of parts", "svg with a picture", "50 kB"],
)
def test_a_logo_becomes_an_address(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "our logo.x").write_bytes(content)
    found = clinic(tmp_path, 'logo = "our logo.x"')
    assert found.logo == f"data:{kind};base64,{base64.b64encode(content).decode()}"
    assert found.troubles == ()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no PNG, JPEG or SVG"),
        (b"GIF89a", "is no PNG, JPEG or SVG"),
        (b"<svg/>", "is no PNG, JPEG or SVG"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "is no PNG, JPEG or SVG"),
        (b'<?xml version="1.0" encoding="klingon"?><svg/>', "is no PNG, JPEG or SVG"),
        (PNG + bytes(LOGO_BYTES), "is larger than 50 kB: make it smaller"),
        (svg("<script>alert(1)</script>"), "holds a script or a link to elsewhere"),
        (svg("<foreignObject/>"), "holds a script or a link to elsewhere"),
        (svg(attributes='onload="alert(1)"'), "holds a script or a link to elsewhere"),
        (svg('<image href="https://example.org/x.png"/>'), "holds a script or a link to elsewhere"),
        (svg('<image href="file:///etc/passwd"/>'), "holds a script or a link to elsewhere"),
        (svg('<image href="data:image/svg+xml,x"/>'), "holds a script or a link to elsewhere"),
        (svg("<style>@import 'x.css';</style>"), "holds a script or a link to elsewhere"),
        (svg('<path style="fill: URL( &quot;https://example.org/x&quot;)"/>'), "holds a script or a link"),
        (
            svg('<a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="javascript:x"/>'),
            "holds a script or a link to elsewhere",
        ),
        (b'<!DOCTYPE svg [<!ENTITY a "aaa">]>' + svg("&a;"), "declares more than a drawing"),
        (b'<?xml-stylesheet href="x.css"?>' + svg(), "declares more than a drawing"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else str(value[:60]),
)
def test_a_logo_that_is_left_out(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "logo.svg").write_bytes(content)
    found = clinic(tmp_path, 'logo = "logo.svg"')
    assert found.logo is None
    (trouble,) = found.troubles
    assert trouble.startswith(f"clinic.toml: logo is left out: logo.svg {why}")
    assert "\n" not in trouble


@pytest.mark.parametrize(
    "name", ['"../logo.png"', '"/etc/passwd"', '"a\\\\b"', '"c:x"', '".hidden"', "5", '["x"]']
)
def test_a_logo_lies_beside_the_file(tmp_path: Path, name: str) -> None:
    found = clinic(tmp_path, f"logo = {name}")
    assert found.troubles == ("clinic.toml: logo is left out: it is the name of a file beside clinic.toml",)


def test_a_logo_that_is_not_there(tmp_path: Path) -> None:
    found = clinic(tmp_path, 'logo = "x.png"')
    assert found.troubles == (
        "clinic.toml: logo is left out: x.png cannot be read (No such file or directory)",
    )


@pytest.mark.parametrize(
    ("toml", "phrases"),
    [
        ("[phrases]", {}),
        ('[phrases]\n"page.skip" = "To the text"', {"page.skip": "To the text"}),
        ('[phrases.page]\nskip = "To the text"', {"page.skip": "To the text"}),
        ('[phrases]\n"page.firmware" = "software {version}"', {"page.firmware": "software {version}"}),
    ],
    ids=["none", "with dots", "in tables", "with a place"],
)
def test_phrases_of_its_own(tmp_path: Path, toml: str, phrases: dict[str, str]) -> None:
    found = clinic(tmp_path, toml)
    assert (dict(found.phrases), found.troubles) == (phrases, ())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('"page.nothing" = "x"', "page.nothing: there is no such text"),
        ('"page.firmware" = "no place"', "page.firmware: "),
        ('"page.firmware" = "{version} {secret}"', "page.firmware: "),
        ('"page.firmware" = "{version"', "page.firmware: "),
        ('"page.footer" = 5', "page.footer: "),
        ('"dates.months" = "x"', "dates.months: "),
        (
            '"claims.client.skin.fell.reacted" = "Reliably lower {during_challenge}."',
            "claims.client.skin.fell.reacted: 'Reliably' is not said to a client: write something like 'a "
            "change larger than your usual ups and downs'",
        ),
        (
            '"client.title" = "How your HRV improved"',
            "client.title: 'improved' is not said in a report: write something like 'no detectable change "
            "yet'",
        ),
        (
            '"page.footer" = "Ask us."',
            "page.footer: stays as it is: it keeps the report honest, or people safe",
        ),
        (
            '"page.skip" = "Call 555 1234."',
            "page.skip: '1234' is a number that the text does not have: numbers come from the session",
        ),
        ('"page.skip" = "<b>Ask us.</b>"', "page.skip: '<b>' is HTML: write plain words"),
        ('"page.skip" = ""', "page.skip: is empty: write what is to stand there"),
    ],
)
def test_a_phrase_that_is_left_out(tmp_path: Path, line: str, why: str) -> None:
    found = clinic(tmp_path, f'[phrases]\n{line}\n"page.title" = "Bericht"')
    assert dict(found.phrases) == {"page.title": "Bericht"}
    (trouble,) = found.troubles
    assert trouble.startswith(f"clinic.toml: a phrase is left out: {why}")
    assert "\n" not in trouble


def test_phrases_that_are_no_table(tmp_path: Path) -> None:
    (trouble,) = clinic(tmp_path, 'phrases = "x"').troubles
    assert trouble.startswith("clinic.toml: phrases is a table")
