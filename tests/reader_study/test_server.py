"""What a browser can ask for: its own, in order, and nothing that says which image is which."""

import http.client
import json
import re
import sqlite3
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from drawn_studies import VERSIONS, DrawnSource, drawn_study, served
from fastapi.testclient import TestClient

from mcnet.reader_study.api import cookie_of
from mcnet.reader_study.server import HEADERS, study_app
from mcnet.reader_study.signing_in import Throttle

ANSWER = {"motion artefact": 3, "sharpness": 4, "diagnostic usability": 5}
WRONG = (
    {},
    {**ANSWER, "sharpness": 0},
    {**ANSWER, "sharpness": 6},
    {**ANSWER, "choice": 1},
    {"choice": 1},
    {"sharpness": 3},
)


@pytest.fixture
def made(tmp_path):
    return drawn_study(tmp_path / "study", source=DrawnSource(shape=(2, 21, 17)))


@pytest.fixture
def app(made):
    return study_app(made[0])


def browser(app):
    return TestClient(app, base_url="http://127.0.0.1")


def signed_in(app, code):
    client = browser(app)
    assert client.post("/api/sign-in", json={"code": code}).status_code == 204
    return client


@pytest.fixture
def reader(app, made):
    return signed_in(app, made[1][0])


@pytest.fixture
def other(app, made):
    return signed_in(app, made[1][1])


def progress(client):
    return client.get("/api/progress").json()


def n_readings(study):
    with closing(sqlite3.connect(study.readings)) as connection:
        return connection.execute("SELECT count(*) FROM readings").fetchone()[0]


def read_all(client, answer=ANSWER):
    """Read to the end; every response on the way."""
    found = progress(client)
    while found["current"]:
        showing = found["current"]["id"]
        for side in range(found["current"]["n_images"]):
            yield client.get(f"/api/images/{showing}/{side}")
        response = client.post("/api/readings", json={"showing": showing, "answer": answer})
        yield response
        found = response.json()


def test_who_has_not_signed_in_gets_the_first_page_alone(app, made, reader):
    stranger, showing = browser(app), progress(reader)["current"]["id"]
    assert stranger.get("/").status_code == 200
    body = {"showing": showing, "answer": ANSWER}
    for response in (
        stranger.get("/api/progress"),
        stranger.get(f"/api/images/{showing}/0"),
        stranger.post("/api/readings", json=body),
        stranger.post("/api/undo", json=body),
        stranger.get("/api/progress", headers={"Cookie": f"{cookie_of(made[0])}=made-up"}),
    ):
        assert response.status_code == 401
        assert showing not in response.text
    assert n_readings(made[0]) == 0


def test_a_reader_reads_everything_once(made, reader):
    statuses = {response.status_code for response in read_all(reader)}
    assert statuses == {200}
    assert progress(reader)["n_done"] == progress(reader)["n_all"] == n_readings(made[0]) == 20
    assert progress(reader)["current"] is None


def test_nothing_of_another_reader_can_be_read_or_written(made, reader, other):
    theirs = progress(other)["current"]["id"]
    other.post("/api/readings", json={"showing": theirs, "answer": ANSWER})
    before = progress(other)
    for showing in (theirs, before["current"]["id"], before["next"]["id"]):
        attempts = (
            reader.get(f"/api/images/{showing}/0"),
            reader.post("/api/readings", json={"showing": showing, "answer": ANSWER}),
            reader.post("/api/undo", json={"showing": showing}),
        )
        assert [attempt.status_code for attempt in attempts] == [404, 404, 404]
    assert progress(other) == before
    assert n_readings(made[0]) == 1


def test_undo_shows_the_last_image_and_its_answer_again(reader):
    first = progress(reader)["current"]
    after = reader.post("/api/readings", json={"showing": first["id"], "answer": ANSWER}).json()
    assert (after["last"], after["last_answer"]) == (first["id"], ANSWER)
    undone = reader.post("/api/undo", json={"showing": first["id"]}).json()
    assert (undone["outcome"], undone["current"]) == ("undone", first)
    assert undone["last"] is None


@pytest.mark.parametrize("answer", WRONG)
def test_what_is_no_answer_is_refused(made, reader, answer):
    body = {"showing": progress(reader)["current"]["id"], "answer": answer}
    assert reader.post("/api/readings", json=body).status_code == 422
    assert n_readings(made[0]) == 0


@pytest.mark.parametrize("choice", [0, 3, -1])
def test_a_choice_is_left_or_right(tmp_path, choice):
    study, codes = drawn_study(tmp_path / "choice", design="choice")
    client = signed_in(study_app(study), codes[0])
    body = {"showing": progress(client)["current"]["id"], "answer": {"choice": choice}}
    assert client.post("/api/readings", json=body).status_code == 422
    for right in (1, 2):
        body = {"showing": progress(client)["current"]["id"], "answer": {"choice": right}}
        assert client.post("/api/readings", json=body).json()["outcome"] == "saved"


def test_a_form_of_another_site_cannot_send_readings(made, reader):
    body = json.dumps({"showing": progress(reader)["current"]["id"], "answer": ANSWER})
    response = reader.post("/api/readings", content=body, headers={"Content-Type": "text/plain"})
    assert response.status_code == 422
    assert n_readings(made[0]) == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_or_port_can_neither_read_nor_sign_out(made, reader, site):
    body = {"showing": progress(reader)["current"]["id"], "answer": ANSWER}
    headers = {"Sec-Fetch-Site": site}
    assert reader.post("/api/readings", json=body, headers=headers).status_code == 403
    refused = reader.post("/api/sign-out", headers=headers)
    assert (refused.status_code, refused.headers["cache-control"]) == (403, "no-store")
    assert n_readings(made[0]) == 0
    own = {"Sec-Fetch-Site": "same-origin"}
    assert reader.post("/api/readings", json=body, headers=own).status_code == 200


def test_another_host_name_is_refused(app, made):
    for host in ("evil.example", "127.0.0.1.evil.example"):
        assert browser(app).get("/", headers={"Host": host}).status_code == 400


def test_a_code_works_once_and_the_cookie_is_kept_from_scripts_and_sites(app, made):
    response = browser(app).post("/api/sign-in", json={"code": made[1][0]})
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert browser(app).post("/api/sign-in", json={"code": made[1][0]}).status_code == 403


def test_signing_out_ends_the_session_on_the_server(reader, app, made):
    cookie = cookie_of(made[0])
    token = reader.cookies[cookie]
    assert reader.post("/api/sign-out").status_code == 204
    kept = browser(app).get("/api/progress", headers={"Cookie": f"{cookie}={token}"})
    assert kept.status_code == 401


def test_one_browser_reads_two_studies_on_two_ports(tmp_path):
    """Which share their cookies."""
    apps, cookies = [], {}
    for name in "ab":
        study, codes = drawn_study(tmp_path / name)
        apps.append(study_app(study))
        cookies |= dict(signed_in(apps[-1], codes[0]).cookies)
    for app in apps:
        reader = TestClient(app, base_url="http://127.0.0.1", cookies=cookies)
        assert reader.get("/api/progress").status_code == 200


def test_wrong_codes_make_the_address_wait_even_for_the_right_one(made):
    now = [0.0]
    app = study_app(made[0], throttle=Throttle(n_free=3, clock=lambda: now[0]))
    client, tried = browser(app), []
    for code in ["AAAA-AAAA-AAAA-AAAA"] * 3 + [made[1][0]]:
        tried.append(client.post("/api/sign-in", json={"code": code}))
    assert [response.status_code for response in tried] == [403, 403, 403, 429]
    assert tried[-1].headers["Retry-After"] == "2"
    now[0] += 2.1
    assert client.post("/api/sign-in", json={"code": made[1][0]}).status_code == 204


def test_nothing_that_is_sent_says_which_image_is_which(tmp_path):
    for design, answer in (("scores", ANSWER), ("choice", {"choice": 1})):
        study, codes = drawn_study(tmp_path / design, design=design)
        client = signed_in(study_app(study), codes[0])
        responses = [client.get("/"), client.get("/api/progress"), *read_all(client, answer)]
        sent = "\n".join(
            f"{response.url} {response.headers} "
            + ("" if "octet" in response.headers["content-type"] else response.text)
            for response in responses
        )
        with closing(sqlite3.connect(study.readings)) as connection:
            for (showing,) in connection.execute("SELECT id FROM showings"):
                sent = sent.replace(showing, "")  # by chance it holds any short word
        sent = sent.lower()
        for word in (*VERSIONS, "subject", "case 1", "repeat", "mirrored", "stratum", "severity"):
            assert word not in sent, word
        forms = re.findall(r'"form":(\{.*?\})', sent)
        assert len(set(forms)) == 1


def test_ids_are_long_never_come_again_and_tell_no_repeat(tmp_path):
    study, _ = drawn_study(tmp_path / "study", source=DrawnSource(n_cases=9), repeat_share=0.3)
    with closing(sqlite3.connect(study.readings)) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM showings")]
    assert len(set(ids)) == len(ids) == 2 * (27 + 8)
    assert all(len(one) >= 22 for one in ids)  # 128 bits


def test_every_image_has_the_same_headers_and_length(reader):
    images = [r for r in read_all(reader) if "octet" in r.headers["content-type"]]
    assert {len(image.content) for image in images} == {2 * 21 * 17 * 2}
    assert len({frozenset(image.headers.items()) for image in images}) == 1
    assert not {"etag", "last-modified", "server", "content-disposition"} & set(images[0].headers)


def test_every_answer_forbids_what_is_not_the_servers_own(app, reader):
    for response in (
        reader.get("/"),
        reader.get("/api/progress"),
        reader.get("/static/reading.js"),
        reader.get("/nowhere"),
        browser(app).get("/api/progress"),
    ):
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
        assert "etag" not in response.headers
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|unsafe|\*", policy)


def test_pages_and_scripts_name_no_other_address(reader):
    for path in ("/", *(f"/static/{name}" for name in ("reading.js", "viewer.js", "style.css"))):
        text = reader.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import", text)


def test_no_page_of_the_framework_is_there(reader):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert reader.get(path).status_code == 404


def test_words_of_the_study_are_shown_as_words(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    path = study.folder / "study.toml"
    path.write_text(path.read_text().replace('"Reader study"', '"<script>alert(1)</script>"'))
    from mcnet.reader_study.study import open_study

    page = browser(study_app(open_study(study.folder))).get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "study"
    drawn_study(folder)
    with served(folder) as server:
        yield urlsplit(server.address)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../study.py",
        "/static/../../readers/server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static/%2e%2e%2fserver.py",
        "/static/....//server.py",
        "/static/..%5cserver.py",
        "/static/..%252fserver.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/reading.js%00.html",
        "/static/",
        "/static",
        "/../study.toml",
        "/study.toml",
        "/readings.sqlite",
        "/static/../reading.html.jinja",
        "/api/images/../../readings.sqlite/0",
        "/api/images/..%2f..%2freadings.sqlite/0",
        "/api/images/1/0",
        "/api/images/%27%20OR%201=1--/0",
        "/api/images/x/-1",
        "/api/images/x/..",
    ],
)
def test_no_path_leads_out_of_what_is_served(address, path):
    """Sent as it stands: clients that tidy a path up would hide what the server does with it."""
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    connection.putrequest("GET", path, skip_host=False)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status in (400, 401, 404, 405, 422, 307)
    for secret in (b"SQLite format", b"root:", b"import ", b"criteria", b"{% if"):
        assert secret not in body
    assert response.headers["server"] is None


def test_nobody_gets_round_the_wait_by_another_address_in_a_header(address):
    statuses = []
    for k in range(7):
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"10.0.0.{k}"}
        with closing(http.client.HTTPConnection(address.netloc, timeout=20)) as connection:
            connection.request("POST", "/api/sign-in", json.dumps({"code": "AAAA"}), headers)
            statuses.append(connection.getresponse().status)
    assert statuses == [403] * 5 + [429] * 2


@pytest.mark.slow
def test_every_address_of_this_machine_that_may_be_listened_on_answers(tmp_path):
    drawn_study(tmp_path / "study")
    with served(tmp_path / "study", host="127.0.0.2") as server:
        address = urlsplit(server.address).netloc
        with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
            connection.request("GET", "/")
            response = connection.getresponse()
            assert (response.status, b"one-time code" in response.read()) == (200, True)
