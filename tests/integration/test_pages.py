"""The pages on a real database: what they show, what they refuse, and that looking changes nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.errors import WrongEnvironment
from engine.model.case import Actor, Case, FactValue
from registry.values import NEW
from tests.files import pdf, png
from tests.integration.pages import START, URL, Pages, act, kept_files, open_pages
from web.documents import Kind

PDF, PNG = pdf(), png()
VERIFY = {
    "requester_kind": "parent",
    "identity_ok": "yes",
    "where_seen": "Reading app",
    "right_value": "2015-04-02",
    "data_owner": "dan",
    "_outcome": "complete",
}


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path)
    yield opened
    opened.store.close()


def browser(pages: Pages, url: str = URL) -> TestClient:
    """A browser without scripts that sends what browsers send with our own forms."""
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    return TestClient(pages.app(url), base_url=url, headers=headers, follow_redirects=False)


def sign_in(client: TestClient, pages: Pages, token: str, kind: str = "t") -> str:
    """Opens a link with a mailed code; answers the clean address behind it."""
    assert client.post(f"/{kind}/{token}/code").status_code == 303
    answer = client.post(f"/{kind}/{token}/enter", data={"code": pages.code()})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the page's first form."""
    return dict(reversed(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', html)))


def custodian(pages: Pages, case: Case) -> tuple[TestClient, str]:
    client = browser(pages)
    return client, sign_in(client, pages, pages.link(case, "person:cus", "verify"))


def test_a_task_is_done_on_the_page_and_the_thanks_say_who_is_next(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    page = client.get(path).text
    assert "The birth date is wrong" in page and "legal deadline" in page and "district target" in page
    answer = client.post(path, data=hidden(page) | VERIFY)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/done")
    assert pages.case(case.id).state == "asking_owner"
    assert pages.case(case.id).facts["data_owner"] == "dan"
    assert "Say whether the fact is wrong (Dan Owner)" in client.get(f"{path}/done").text


def test_opening_a_link_changes_nothing_and_mails_nothing(pages: Pages) -> None:
    case = pages.start()
    token = pages.link(case, "person:cus", "verify")
    client = browser(pages)
    for method in ("GET", "HEAD", "GET"):
        answer = client.request(method, f"/t/{token}")
        assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert pages.mails == [] and pages.case(case.id) == case


def test_personal_facts_stand_behind_the_code_only(pages: Pages) -> None:
    token = pages.link(pages.start(), "person:cus", "verify")
    assert "birth date" not in browser(pages).get(f"/t/{token}").text


def test_a_wrong_code_is_refused_and_the_fifth_locks(pages: Pages) -> None:
    token = pages.link(pages.start(), "person:cus", "verify")
    client = browser(pages)
    client.post(f"/t/{token}/code")
    wrong = "000000" if pages.code() != "000000" else "000001"
    answers = [client.post(f"/t/{token}/enter", data={"code": wrong}).status_code for _ in range(5)]
    assert answers[:4] == [422] * 4
    assert client.post(f"/t/{token}/enter", data={"code": pages.code()}).status_code == 429


def test_a_code_runs_out_after_half_an_hour(pages: Pages) -> None:
    token = pages.link(pages.start(), "person:cus", "verify")
    client = browser(pages)
    client.post(f"/t/{token}/code")
    pages.now += dt.timedelta(minutes=31)
    assert "expired" in client.post(f"/t/{token}/enter", data={"code": pages.code()}).text


def test_errors_stand_beside_their_fields_and_what_was_typed_stays(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    typed = {"right_value": "<b>2015</b>", "identity_ok": "yes", "_outcome": "complete", "data_owner": "nobody"}
    answer = client.post(path, data=hidden(client.get(path).text) | typed)
    assert answer.status_code == 422
    assert "&lt;b&gt;2015&lt;/b&gt;" in answer.text and "<b>2015" not in answer.text
    for name in ("requester_kind", "where_seen", "data_owner"):
        assert f'href="#{name}"' in answer.text and f'id="{name}-error"' in answer.text
    assert pages.case(case.id) == case


def test_an_outcome_that_is_not_open_says_what_it_depends_on(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    answer = client.post(path, data=hidden(client.get(path).text) | VERIFY | {"identity_ok": "no"})
    assert answer.status_code == 422 and "Identity and relationship are checked" in answer.text
    assert pages.case(case.id) == case


def test_the_second_to_answer_learns_who_was_first(pages: Pages) -> None:
    case = pages.start()
    (first, path), (second, _) = custodian(pages, case), custodian(pages, case)
    form = hidden(second.get(path).text)
    first.post(path, data=hidden(first.get(path).text) | VERIFY)
    late = second.post(path, data=form | VERIFY)
    assert late.status_code == 409 and "Cus Todian answered this on Monday, September 14, 2026" in late.text
    assert all(kind == "code" for _, kind, _ in pages.mails)


def test_who_answers_after_somebody_else_is_told_by_mail_too_and_once(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text)
    deputy = Actor("person", "ada", "Ada Priv", frozenset({"custodian"}))
    task = case.open_task("verify")
    assert task is not None
    values: dict[str, FactValue] = {"requester_kind": "parent", "identity_ok": False, "missing": frozenset({"item"})}
    pages.service.complete_task(task.id, "incomplete", values, deputy, pages.now)
    for _ in range(2):
        late = client.post(path, data=form | VERIFY)
        assert late.status_code == 409 and "Ada Priv answered this" in late.text
    told = [(to, values) for to, kind, values in pages.mails if kind == "already_decided"]
    late_lines = [line.detail for line in pages.store.views.history(case.id) if line.kind == "answer_too_late"]
    assert late_lines == [{"task": task.id, "by": "Cus Todian", "decided_by": "Ada Priv"}]
    at = "Monday, September 14, 2026, 10:00 am"
    assert told == [("person:cus", {"case": case.id, "decided_by": "Ada Priv", "decided_at": at})]


def test_the_link_of_a_finished_task_says_who_finished_it(pages: Pages) -> None:
    case = pages.start()
    token = pages.link(case, "person:cus", "verify")
    client, path = custodian(pages, case)
    client.post(path, data=hidden(client.get(path).text) | VERIFY)
    before = pages.store.views.history(case.id)
    assert "Cus Todian answered this" in browser(pages).get(f"/t/{token}").text
    assert pages.store.views.history(case.id) == before


def test_an_answer_to_facts_that_have_changed_is_refused_and_shows_the_new_ones(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text)
    actor = Actor("person", "cus", "Cus Todian", frozenset({"custodian"}))
    pages.service.record(case.id, {"item": "The name is wrong"}, actor, pages.now, "a slip of the pen")
    answer = client.post(path, data=form | VERIFY)
    assert answer.status_code == 409 and "Something has changed" in answer.text
    assert "The name is wrong" in answer.text and "Reading app" in answer.text
    assert pages.case(case.id).state == "received"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_from_elsewhere_is_refused(pages: Pages, headers: dict[str, str]) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text)
    assert client.post(path, data=form | VERIFY, headers=headers).status_code == 403
    assert pages.case(case.id) == case


def test_a_form_without_its_nonce_is_refused(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text) | {"_nonce": "0" * 64}
    assert client.post(path, data=form | VERIFY).status_code == 403
    assert pages.case(case.id) == case


@pytest.mark.parametrize("path", ["/t/unknown", "/s/unknown", "/confirm/unknown", "/nowhere", "/what/ever"])
def test_what_is_unknown_looks_all_alike(pages: Pages, path: str) -> None:
    answer = browser(pages).get(path)
    assert answer.status_code == 404 and "Nothing is here" in answer.text


def test_an_expired_link_offers_a_fresh_one_to_the_address_on_file(pages: Pages) -> None:
    case = pages.start()
    token = pages.link(case, "person:cus", "verify", days=1)
    pages.now += dt.timedelta(days=2)
    client = browser(pages)
    assert "Send a fresh link" in client.get(f"/t/{token}").text
    known, unknown = client.post(f"/t/{token}/fresh"), client.post("/t/unknown/fresh")
    assert (known.status_code, known.text.replace(case.id, "")) == (unknown.status_code, unknown.text)
    task = case.open_task("verify")
    assert task is not None
    assert pages.mails == [("person:cus", "fresh_link", {"case": case.id, "task": task.id})]


def test_a_person_may_not_open_the_task_of_another(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    client.post(path, data=hidden(client.get(path).text) | VERIFY)
    advise = pages.case(case.id).open_task("advise")
    assert advise is not None
    answer = client.get(f"/task/{advise.id}")
    assert answer.status_code == 403 and "birth date" not in answer.text


def test_without_a_session_a_clean_address_shows_nothing(pages: Pages) -> None:
    task = pages.start().open_task("verify")
    assert task is not None
    answer = browser(pages).get(f"/task/{task.id}")
    assert answer.status_code == 401 and "birth date" not in answer.text


def test_a_parent_sees_where_the_case_stands_in_their_language(pages: Pages) -> None:
    case = pages.start("es")
    client = browser(pages)
    path = sign_in(client, pages, pages.link(case, "party:parent", None), "s")
    page = client.get(path).text
    assert path == f"/status/{case.id}" and 'lang="es"' in page
    assert "En revisión" in page and "jueves, 10 de diciembre de 2026" in page


def test_a_parents_session_opens_no_other_case(pages: Pages) -> None:
    mine, other = pages.start(), pages.start()
    client = browser(pages)
    sign_in(client, pages, pages.link(mine, "party:parent", None), "s")
    assert client.get(f"/status/{other.id}").status_code == 404
    task = other.open_task("verify")
    assert task is not None and client.get(f"/task/{task.id}").status_code == 404


def test_a_document_is_kept_by_what_it_is(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text) | VERIFY
    taken = client.post(path, data=form, files={"evidence": ("../../x.exe", PDF, "text/html")})
    assert taken.status_code == 303
    (kept,) = kept_files(pages.folder)
    assert str(pages.case(case.id).facts["evidence"]).startswith(f"{kept.name}.pdf sha256:")


@pytest.mark.parametrize(("name", "content", "says"), [
    ("proof.pdf", b"MZ\x00\x01", "this is no PDF, PNG, JPEG, Word or text file"),
    ("proof.pdf", PDF[:-200], "this file cannot be read"),
    ("proof.pdf", PNG, "“proof.pdf” is named as a PDF and holds a PNG picture"),
    ("<b>.pdf", PNG, "“&lt;b&gt;.pdf” is named as a PDF"),
    ("proof.pdf", b"", "this file is empty"),
], ids=["a program", "broken", "another name", "a name with markup", "empty"])  # fmt: skip
def test_what_is_no_document_is_told_beside_its_field(pages: Pages, name: str, content: bytes, says: str) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text) | VERIFY
    refused = client.post(path, data=form, files={"evidence": (name, content, "application/pdf")})
    assert refused.status_code == 422 and 'id="evidence-error"' in refused.text
    assert says in refused.text
    assert kept_files(pages.folder) == []


def test_a_document_cannot_be_typed(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    other = f"{'a' * 32}.pdf sha256:{'b' * 64}"
    taken = client.post(path, data=hidden(client.get(path).text) | VERIFY | {"evidence": other})
    assert taken.status_code == 303
    assert "evidence" not in pages.case(case.id).facts


def test_a_refused_answer_leaves_no_file(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text) | VERIFY | {"_facts": "0" * 64}
    refused = client.post(path, data=form, files={"evidence": ("proof.pdf", PDF, "application/pdf")})
    assert refused.status_code == 409
    assert kept_files(pages.folder) == []


def test_a_document_of_an_answer_that_came_too_late_is_gone(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text) | VERIFY
    inspected = pages.inspect

    def meanwhile(content: bytes, name: str) -> Kind:
        other, _ = custodian(pages, case)
        assert other.post(path, data=hidden(other.get(path).text) | VERIFY).status_code == 303
        return inspected(content, name)

    pages.inspect = meanwhile
    late = client.post(path, data=form, files={"evidence": ("proof.pdf", PDF, "application/pdf")})
    assert late.status_code == 409
    assert kept_files(pages.folder) == []


def test_a_document_is_opened_only_by_whom_its_task_is_for(pages: Pages) -> None:
    case = pages.start()
    client, path = custodian(pages, case)
    form = hidden(client.get(path).text) | VERIFY
    client.post(path, data=form, files={"evidence": ("proof.pdf", PDF, "application/pdf")})
    moved = pages.case(case.id)
    asked = moved.open_task("advise")
    assert asked is not None
    owner = browser(pages)
    sign_in(owner, pages, pages.link(moved, "person:dan", "advise"))
    page = owner.get(f"/task/{asked.id}")
    assert f"/task/{asked.id}/document/evidence" in page.text
    found = owner.get(f"/task/{asked.id}/document/evidence")
    assert (found.status_code, found.content) == (200, PDF)
    assert found.headers["content-disposition"] == f'attachment; filename="{case.id}-evidence.pdf"'
    assert client.get(f"/task/{asked.id}/document/evidence").status_code == 403
    assert owner.get(f"/task/{asked.id}/document/item").status_code == 404
    assert browser(pages).get(f"/task/{asked.id}/document/evidence").status_code in (401, 404)


def test_what_is_too_large_is_refused_before_it_is_read(pages: Pages) -> None:
    client, path = custodian(pages, pages.start())
    answer = client.post(path, files={"evidence": ("big.txt", b"a" * (12 << 20), "text/plain")})
    assert answer.status_code == 413


def test_a_two_person_act_needs_code_app_and_tick(pages: Pages) -> None:
    pages.acts["act-token"] = act()
    pages.store.set_totp("sup", "JBSWY3DPEHPK3PXP")
    client = browser(pages)
    path = sign_in(client, pages, "act-token", "confirm")
    assert path == "/act/act-1"
    form = hidden(client.get(path).text)
    assert client.post(path, data=form | {"confirm": "yes"}).status_code == 303 and pages.confirmed == []
    assert client.post(f"{path}/totp", data=form | {"code": "999999"}).status_code == 422
    assert client.post(f"{path}/totp", data=form | {"code": "123 456"}).status_code == 303
    page = client.get(path).text
    assert "Thursday, December 10, 2026" in page and "Monday, December 14, 2026" in page
    assert client.post(path, data=hidden(page)).status_code == 422 and pages.confirmed == []
    assert client.post(path, data=hidden(page) | {"confirm": "yes"}).status_code == 303
    assert pages.confirmed == ["sup"]


def test_the_headers_of_every_answer(pages: Pages) -> None:
    for path in ("/nowhere", "/healthz", "/mine"):
        headers = browser(pages).get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers


def test_over_tls_the_cookie_is_bound_to_the_host(pages: Pages) -> None:
    client = browser(pages, "https://soppa.example")
    token = pages.link(pages.start(), "person:cus", "verify")
    client.post(f"/t/{token}/code")
    answer = client.post(f"/t/{token}/enter", data={"code": pages.code()})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-soppa=")
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert "max-age=" in answer.headers["strict-transport-security"]


def test_health_names_the_cause(pages: Pages) -> None:
    client = browser(pages)
    assert client.get("/healthz").json()["cause"] == "heartbeat"
    pages.store.set_high_water(START - dt.timedelta(seconds=3))
    assert client.get("/healthz").json() == {"status": "ok", "cause": None, "heartbeat_age_seconds": 3}


def test_own_tasks_are_listed_in_the_session(pages: Pages) -> None:
    first, second = pages.start(), pages.start()
    client, _ = custodian(pages, first)
    page = client.get("/mine").text
    assert first.id in page and second.id in page
    asked, _, offered = page.partition("Only when it happens")
    assert "Check who asks" in asked and "withdraws" not in asked and "withdraws" in offered


def test_the_front_door_leads_to_ones_own_tasks(pages: Pages) -> None:
    client = browser(pages)
    assert client.get("/").headers["location"] == "/mine"
    assert client.get("/mine").headers["location"] == "/signin"


def test_a_method_that_is_not_there_gets_a_page_too(pages: Pages) -> None:
    answer = browser(pages).request("DELETE", "/mine")
    assert answer.status_code == 405 and "<h1>" in answer.text


def test_plain_http_that_others_can_reach_must_be_allowed(pages: Pages) -> None:
    with pytest.raises(WrongEnvironment, match="allow_http"):
        pages.app("http://soppa.district.example")


def test_an_error_of_ours_gives_a_number_and_no_values(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    token = pages.link(pages.start(), "person:cus", "verify")
    client = browser(pages)
    pages.mails = None  # type: ignore[assignment]  # the outbox is broken
    answer = client.post(f"/t/{token}/code")
    number = re.search(r"\b[0-9a-f]{8}\b", answer.text)
    assert answer.status_code == 500 and number is not None
    assert f"incident {number[0]}: AttributeError" in caplog.text and token not in caplog.text


def test_the_letter_is_for_tasks_of_posting_only(pages: Pages) -> None:
    client, path = custodian(pages, pages.start())
    assert client.get(f"{path}/letter").status_code == 404


def test_the_page_behind_an_open_link_says_which_product_it_is_about(pages: Pages) -> None:
    values: dict[str, FactValue] = {"operator": "Reader Inc", "product": "Reader", "type": "vendor_dpa",
                                    "sponsor": "dan", "signed_on": dt.date(2026, 3, 2)}
    officer = Actor("person", "ada", "Ada Priv", frozenset({"privacy"}))
    with pages.store.begin() as unit:
        writer = unit.register_writer(officer, START, "import")
        writer.enter(values, None, agreement=NEW)
        writer.flush()
    facts: dict[str, FactValue] = {"agreement": "A-0001", "cycle_on": dt.date(2027, 3, 2), "why": "yearly"}
    case = pages.service.start("annual_attestation", facts, {}, officer, START)
    client = browser(pages)
    at = client.get(f"/t/{pages.link(case, 'person:dan', 'still_used', level='open')}")
    shown = client.get(at.headers["location"]).text if at.status_code == 303 else at.text
    assert "Is it still used? (Reader, Reader Inc)</h1>" in shown
