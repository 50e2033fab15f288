"""Links that work once, codes that end when guessed at, cookies that outlive the process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.web.hub import Role
from flows.web.tickets import Tickets

BOTH = frozenset(Role)
CLIENTS = frozenset({Role.CLIENT})


@dataclass
class Calendar:
    """A calendar that is turned by hand."""

    s: float = 1.8e9

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def tickets(calendar: Calendar) -> Tickets:
    return Tickets(wall=calendar)


def test_a_ticket_works_once(tickets: Tickets) -> None:
    secret = tickets.issue(Role.OPERATOR, "/live")
    ticket = tickets.redeem(secret, BOTH)
    assert ticket is not None
    assert (ticket.role, ticket.target) == (Role.OPERATOR, "/live")
    assert tickets.redeem(secret, BOTH) is None


@pytest.mark.parametrize(("waited_s", "works"), [(599, True), (600, False), (1e6, False)])
def test_a_ticket_ends(tickets: Tickets, calendar: Calendar, waited_s: float, works: bool) -> None:
    secret = tickets.issue(Role.CLIENT, "/client")
    calendar.s += waited_s
    assert (tickets.redeem(secret, BOTH) is not None) == works


def test_a_ticket_is_for_a_place_that_lets_its_role_in(tickets: Tickets) -> None:
    secret = tickets.issue(Role.OPERATOR, "/")
    assert tickets.redeem(secret, CLIENTS) is None
    assert tickets.redeem(secret, BOTH) is not None


@pytest.mark.parametrize("guess", ["", "x", "../..", "A" * 10_000, "é"])
def test_a_guess_is_no_ticket(tickets: Tickets, guess: str) -> None:
    tickets.issue(Role.OPERATOR, "/")
    assert tickets.redeem(guess, BOTH) is None


def test_a_target_is_one_of_our_own_pages(tickets: Tickets) -> None:
    with pytest.raises(AssertionError):
        tickets.issue(Role.OPERATOR, "https://elsewhere.example/")


def test_a_code_has_six_letters_that_look_like_no_other(tickets: Tickets, calendar: Calendar) -> None:
    seen = set()
    for _ in range(200):
        code = tickets.invitation().code
        assert len(code) == 6
        assert not set(code) & set("IL1O0 ")
        seen.add(code)
        calendar.s += 600
    assert len(seen) == 200


@pytest.mark.parametrize("typed", ["{code}", "{lower}", " {first} {last}\n", "{first}-{last}"])
def test_a_code_as_people_type_it(tickets: Tickets, typed: str) -> None:
    code = tickets.invitation().code
    words = {"code": code, "lower": code.lower(), "first": code[:3], "last": code[3:]}
    assert tickets.takes_code(typed.format(**words))


@pytest.mark.parametrize(("waited_s", "works"), [(599, True), (600, False)])
def test_a_code_ends(tickets: Tickets, calendar: Calendar, waited_s: float, works: bool) -> None:
    code = tickets.invitation().code
    calendar.s += waited_s
    assert tickets.takes_code(code) == works


@pytest.mark.parametrize(("waited_s", "left_s", "same"), [(0, 600, True), (540, 60, True), (541, 600, False)])
def test_a_new_code_before_the_old_one_ends(
    tickets: Tickets, calendar: Calendar, waited_s: float, left_s: float, same: bool
) -> None:
    code = tickets.invitation().code
    calendar.s += waited_s
    again = tickets.invitation()
    assert (again.code == code, again.expires_in_s) == (same, left_s)


def test_ten_wrong_tries_end_a_code(tickets: Tickets) -> None:
    code = tickets.invitation().code
    assert [tickets.takes_code("WRONG" + str(number)) for number in range(10)] == [False] * 10
    assert not tickets.takes_code(code)
    fresh = tickets.invitation().code
    assert fresh != code
    assert tickets.takes_code(fresh)


def test_nine_wrong_tries_do_not(tickets: Tickets) -> None:
    code = tickets.invitation().code
    for _ in range(9):
        tickets.takes_code("")
    assert tickets.takes_code(code)


def test_there_is_no_code_before_one_is_shown(tickets: Tickets) -> None:
    assert not tickets.takes_code("")


def test_a_cookie_stands_for_its_role_only(tickets: Tickets) -> None:
    value = tickets.admit(Role.CLIENT)
    visit = tickets.visit(value, Role.CLIENT)
    assert visit is not None
    assert visit.role is Role.CLIENT
    assert value not in visit.csrf
    assert tickets.visit(value, Role.OPERATOR) is None
    assert tickets.visit(value + "x", Role.CLIENT) is None


def test_every_visit_has_its_own_token(tickets: Tickets) -> None:
    visits = [tickets.visit(tickets.admit(Role.OPERATOR), Role.OPERATOR) for _ in range(20)]
    assert len({visit.csrf for visit in visits if visit}) == 20


def test_a_visit_ends_twelve_hours_after_its_last_use(tickets: Tickets, calendar: Calendar) -> None:
    value = tickets.admit(Role.OPERATOR)
    for _ in range(5):
        calendar.s += 11 * 3600
        assert tickets.visit(value, Role.OPERATOR)
    calendar.s += 12 * 3600
    assert tickets.visit(value, Role.OPERATOR) is None


def test_revoking_clients_leaves_the_operator(tickets: Tickets) -> None:
    operator, client = tickets.admit(Role.OPERATOR), tickets.admit(Role.CLIENT)
    link, code = tickets.issue(Role.CLIENT, "/client"), tickets.invitation().code
    own = tickets.issue(Role.OPERATOR, "/")
    tickets.revoke(Role.CLIENT)
    assert tickets.visit(operator, Role.OPERATOR)
    assert tickets.redeem(own, BOTH)
    assert tickets.visit(client, Role.CLIENT) is None
    assert tickets.redeem(link, BOTH) is None
    assert not tickets.takes_code(code)


def test_visits_outlive_the_process(tmp_path: Path, calendar: Calendar) -> None:
    path = tmp_path / "home" / "web" / "visits.json"
    first = Tickets(path, calendar)
    value, revoked = first.admit(Role.OPERATOR), first.admit(Role.CLIENT)
    before = first.visit(value, Role.OPERATOR)
    first.revoke(Role.CLIENT)
    second = Tickets(path, calendar)
    assert second.visit(value, Role.OPERATOR) == before
    assert second.visit(revoked, Role.CLIENT) is None
    calendar.s += 12 * 3600
    assert Tickets(path, calendar).visit(value, Role.OPERATOR) is None


def test_the_file_lets_nobody_in(tmp_path: Path, calendar: Calendar) -> None:
    path = tmp_path / "web" / "visits.json"
    tickets = Tickets(path, calendar)
    value = tickets.admit(Role.OPERATOR)
    assert value not in path.read_text()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    visit = tickets.visit(value, Role.OPERATOR)
    assert visit is not None
    assert visit.csrf not in path.read_text()


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"a": 1}', '{"a": ["king", 9e99]}', "null"])
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, content: str) -> None:
    path = tmp_path / "visits.json"
    path.write_text(content)
    value = Tickets(path).admit(Role.OPERATOR)
    assert Tickets(path).visit(value, Role.OPERATOR)


def test_a_disk_that_takes_nothing_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "web").write_text("a file where the folder should be")
    tickets = Tickets(tmp_path / "web" / "visits.json")
    assert tickets.visit(tickets.admit(Role.OPERATOR), Role.OPERATOR)


def test_files_of_other_servers_go_once_they_hold_no_visit(tmp_path: Path, calendar: Calendar) -> None:
    old, fresh, broken = (tmp_path / f"visits-{port}.json" for port in (50001, 50002, 50003))
    Tickets(old, calendar).admit(Role.CLIENT)
    calendar.s += 11 * 3600
    Tickets(fresh, calendar).admit(Role.OPERATOR)
    assert old.exists()  # another server may run there
    broken.write_text("{")
    (tmp_path / "notes.json").write_text("{}")
    calendar.s += 2 * 3600
    own = tmp_path / "visits-8601.json"
    Tickets(own, calendar).admit(Role.OPERATOR)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["notes.json", own.name, fresh.name])
