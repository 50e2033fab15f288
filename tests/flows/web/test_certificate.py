"""The certificate for the local network, as TLS clients and a real browser judge it."""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from flows.web.certificate import certificate_for, fingerprint
from flows.web.hub import Role
from pipeline.errors import InputError
from tests.browser import CHROMIUM
from tests.flows.web.house import WAIT_S, House, heard, served

LAN = "127.0.0.2"  # loopback, but another address than the one that is served without TLS
NOW_S = 1.8e9
DAY_S = 86_400.0


def leaf_of(home: Path, address: str, wall_s: float = NOW_S) -> x509.Certificate:
    path = certificate_for(address, home, wall_s).certificate_path
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.168.1.20", x509.IPAddress(ipaddress.ip_address("192.168.1.20"))),
        ("fd00::7", x509.IPAddress(ipaddress.ip_address("fd00::7"))),
        ("Practice.local", x509.DNSName("practice.local")),
    ],
)
def test_it_is_for_one_address(tmp_path: Path, address: str, name: x509.GeneralName) -> None:
    made = certificate_for(address, tmp_path, NOW_S)
    leaf, authority = leaf_of(tmp_path, address), x509.load_der_x509_certificate(made.authority)
    known = leaf.extensions
    assert list(known.get_extension_for_class(x509.SubjectAlternativeName).value) == [name]
    assert list(known.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert known.get_extension_for_class(x509.BasicConstraints).value.ca is False
    leaf.verify_directly_issued_by(authority)
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted, excluded = constraints.value.permitted_subtrees, constraints.value.excluded_subtrees
    assert permitted is not None
    assert excluded is not None
    assert len(permitted) == 1
    assert {type(each) for each in (*permitted, *excluded)} == {x509.IPAddress, x509.DNSName}
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_it_holds_no_longer_than_phones_allow(tmp_path: Path) -> None:
    leaf = leaf_of(tmp_path, LAN)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 397


def test_the_authority_can_never_sign_again(tmp_path: Path) -> None:
    certificate_for(LAN, tmp_path, NOW_S)
    keys = []
    for path in tmp_path.rglob("*.pem"):
        with contextlib.suppress(ValueError):
            keys.append(serialization.load_pem_private_key(path.read_bytes(), None).public_key())
    assert keys == [leaf_of(tmp_path, LAN).public_key()]


def test_the_files_are_for_the_owner_only(tmp_path: Path) -> None:
    certificate_for(LAN, tmp_path / "home", NOW_S)
    folder = tmp_path / "home" / "tls" / LAN
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == dict.fromkeys(("key.pem", "certificate.pem", "authority.pem"), 0o600)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("days", "same"),
    [
        pytest.param(0, True, id="now"),
        pytest.param(364, True, id="31 days before its end"),
        pytest.param(366, False, id="29 days before its end"),
        pytest.param(400, False, id="after its end"),
        pytest.param(-2, False, id="before its beginning"),
    ],
)
def test_it_is_kept_while_it_is_good(tmp_path: Path, days: float, same: bool) -> None:
    before = leaf_of(tmp_path, LAN)
    after = leaf_of(tmp_path, LAN, NOW_S + days * DAY_S)
    assert (before == after) == same


def test_another_address_has_another(tmp_path: Path) -> None:
    assert leaf_of(tmp_path, LAN) != leaf_of(tmp_path, "127.0.0.3")
    assert leaf_of(tmp_path, LAN) == leaf_of(tmp_path, LAN)


@pytest.mark.parametrize("file", ["key.pem", "certificate.pem", "authority.pem"])
@pytest.mark.parametrize("damage", ["gone", "empty", "nonsense", "another's"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, file: str, damage: str) -> None:
    before = leaf_of(tmp_path, LAN)
    path = tmp_path / "tls" / LAN / file
    if damage == "gone":
        path.unlink()
    elif damage == "another's":
        certificate_for(LAN, tmp_path / "other", NOW_S)
        shutil.copy(tmp_path / "other" / "tls" / LAN / file, path)
    else:
        path.write_text("" if damage == "empty" else "x" * 100)
    made = certificate_for(LAN, tmp_path, NOW_S)
    assert leaf_of(tmp_path, LAN) != before
    key = serialization.load_pem_private_key(made.key_path.read_bytes(), None)
    assert key.public_key() == leaf_of(tmp_path, LAN).public_key()


@pytest.mark.parametrize(
    "address", ["", "a b", "../x", "-x", "x/y", "*.example", "fe80::1%eth0", "é.example", "x" * 300]
)
def test_what_is_no_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="neither an address nor a name"):
        certificate_for(address, tmp_path, NOW_S)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file")
    with pytest.raises(InputError, match="cannot be stored"):
        certificate_for(LAN, tmp_path, NOW_S)


def test_the_fingerprint_can_be_compared(tmp_path: Path) -> None:
    leaf = leaf_of(tmp_path, LAN)
    groups = certificate_for(LAN, tmp_path, NOW_S).fingerprint.split(" ")
    assert [len(group) for group in groups] == [4] * 16
    assert bytes.fromhex("".join(groups)) == leaf.fingerprint(hashes.SHA256())
    assert " ".join(groups) == fingerprint(leaf)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with socket.socket() as probe:
        try:
            probe.bind((LAN, 0))
        except OSError:
            pytest.skip(f"this system has no {LAN}")
    with served(tmp_path_factory.mktemp("lan") / "home", lan=LAN) as house:
        yield house


@pytest.fixture(scope="module")
def authority(house: House) -> Path:
    return house.home / "tls" / LAN / "authority.pem"


def trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


def lan_of(house: House) -> str:
    assert house.server.lan_url is not None
    return house.server.lan_url


def test_a_client_that_trusts_the_authority_gets_in(house: House, authority: Path) -> None:
    answer = httpx.get(lan_of(house) + "/join", verify=trusting(authority))
    assert answer.status_code == 200
    assert f"connect-src 'self' wss://{LAN}:{house.server.port}" in answer.headers["content-security-policy"]


def test_a_client_that_does_not_is_warned(house: House) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(lan_of(house) + "/join")


def test_it_is_good_for_no_other_address(house: House, authority: Path) -> None:
    other, raw = "127.0.0.3", socket.create_connection((LAN, house.server.port), WAIT_S)
    with raw, pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        trusting(authority).wrap_socket(raw, server_hostname=other)


def test_what_is_shown_is_what_the_fingerprint_says(house: House) -> None:
    shown = ssl.get_server_certificate((LAN, house.server.port))
    assert fingerprint(x509.load_pem_x509_certificate(shown.encode())) == house.server.fingerprint


def test_there_is_nothing_but_tls_in_the_network(house: House) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{LAN}:{house.server.port}/join")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"https://127.0.0.1:{house.server.port}/join", verify=False)


def test_the_authority_can_be_fetched_to_trust_it(house: House, authority: Path) -> None:
    answer = httpx.get(lan_of(house) + "/certificate", verify=trusting(authority))
    known = x509.load_pem_x509_certificate(authority.read_bytes())
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert x509.load_der_x509_certificate(answer.content) == known
    assert httpx.get(house.url + "/certificate").status_code == 404


def test_an_invitation_leads_into_the_network(house: House) -> None:
    with house.browser(Role.OPERATOR) as browser:
        invite = browser.get("/api/invite").json()
        assert browser.get("/api/me").json()["lan"] == lan_of(house)
    assert invite["url"] == f"{lan_of(house)}/join#{invite['code']}"
    assert invite["fingerprint"] == house.server.fingerprint
    assert invite["qr_svg"].startswith("data:image/svg+xml;base64,")
    assert invite["expires_in_s"] > 0


def test_a_tablet_comes_in_and_stays_a_client(house: House, authority: Path) -> None:
    house.server.publish("client", {"screen": "waiting"})
    house.server.publish("values", {"secret": 1})
    with house.browser(Role.OPERATOR) as browser:
        code = browser.get("/api/invite").json()["code"]
    with httpx.Client(base_url=lan_of(house), verify=trusting(authority)) as tablet:
        answer = tablet.post("/join", json={"code": code}, headers={"Origin": lan_of(house)})
        assert "Secure" in answer.headers["set-cookie"]
        assert [tablet.get(path).status_code for path in ("/client", "/", "/api/home")] == [200, 403, 403]
        query = {"origin": lan_of(house), "ssl": trusting(authority)}
        with lan_house(house).socket(tablet, "role=client", **query) as page:
            assert heard(page)["data"] == {"client": {"screen": "waiting"}}


def lan_house(house: House) -> House:
    """The same house, seen from the network."""

    class Seen(House):
        @property
        def url(self) -> str:
            return lan_of(house)

    return Seen(house.server, house.control, house.home)


def test_an_operator_cannot_come_in_from_the_network(house: House, authority: Path) -> None:
    link = house.server.ticket(Role.OPERATOR, "/").replace(house.url, lan_of(house))
    assert httpx.get(link, verify=trusting(authority)).status_code == 403
    assert httpx.get(link.replace(lan_of(house), house.url)).status_code == 200


def trust_in(home: Path, authority: Path) -> None:
    """Put the authority among those that a browser with this home trusts."""
    if shutil.which("certutil") is None:
        pytest.skip("needs certutil (libnss3-tools) to let a browser trust the authority")
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for command in (["-N", "--empty-password"], ["-A", "-n", "vagal", "-t", "C,,", "-i", str(authority)]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *command], check=True, capture_output=True)


@pytest.mark.parametrize("trusted", [False, True], ids=["untrusted", "trusted"])
def test_a_browser_judges_it(house: House, authority: Path, tmp_path: Path, trusted: bool) -> None:
    if not Path(CHROMIUM["executable_path"]).exists():
        pytest.skip("needs Chromium")
    from playwright.sync_api import Error, sync_playwright

    if trusted:
        trust_in(tmp_path, authority)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM, env={"HOME": str(tmp_path)})
        page = browser.new_page()
        try:
            if trusted:
                page.goto(lan_of(house) + "/join")
                assert page.title() == "A page"
            else:
                with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
                    page.goto(lan_of(house) + "/join")
        finally:
            browser.close()


def test_the_constraints_bind(house: House, tmp_path: Path) -> None:
    """Had the authority's key been kept, a certificate it signed for another address would not be taken."""
    from flows.web import certificate as ours

    now = x509.load_pem_x509_certificate(
        (house.home / "tls" / LAN / "certificate.pem").read_bytes()
    ).not_valid_before_utc
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = ours._authority(LAN, authority_key, now)
    for address, says in (
        (LAN, None),
        ("127.0.0.1", "permitted subtree violation"),
        ("localhost", "excluded subtree violation"),
    ):
        leaf = ours._leaf(address, key, authority, authority_key, now)
        for name, content in (
            (
                "key.pem",
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ),
            ),
            ("leaf.pem", leaf.public_bytes(serialization.Encoding.PEM)),
            ("authority.pem", authority.public_bytes(serialization.Encoding.PEM)),
        ):
            (tmp_path / name).write_bytes(content)
        assert _refusal(tmp_path, address) == says


def _refusal(folder: Path, address: str) -> str | None:
    """Why a TLS client refuses, over a pair of memory buffers; None if it does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem", folder / "key.pem")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trusting(folder / "authority.pem").wrap_bio(to_client, to_server, server_hostname=address)
    try:
        for _ in range(4):
            for side in (client, server):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return None
