"""Requests from the schema, and against it: answers are as it says, with the headers, never 5xx."""

import pytest
import schemathesis
from drawn_studies import drawn_study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from mcnet.reader_study.api import cookie_of
from mcnet.reader_study.readings import progress_of
from mcnet.reader_study.schema import opened
from mcnet.reader_study.server import HEADERS, study_api, study_app
from mcnet.reader_study.signing_in import issue_code, sign_in

OPERATIONS = (
    *(("POST", f"/api/{name}") for name in ("sign-in", "sign-out", "readings", "undo")),
    *(("GET", path) for path in ("/api/progress", "/api/images/{showing}/{side}")),
)
CHECKS = (
    schemathesis.checks.not_a_server_error,
    *(status_code_conformance, content_type_conformance),
    *(response_schema_conformance, negative_data_rejection),
)
FUZZED = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
ANSWER = {"motion artefact": 3, "sharpness": 4, "diagnostic usability": 5}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return drawn_study(tmp_path_factory.mktemp("fuzzed") / "study")[0]


@pytest.fixture(scope="module")
def app(study):
    return study_app(study)


def cookie(study):
    """Of a new session of the first reader."""
    with opened(study.readings) as connection:
        token = sign_in(connection, issue_code(connection, "reader-1"))
    return f"{cookie_of(study)}={token}"


def current(study):
    with opened(study.readings) as connection:
        return progress_of(connection, 1).current.id


def about(case, showing):
    """The case, where it names a showing, about this one, and with an answer to its questions."""
    for sent in (case.body, case.path_parameters):
        if isinstance(sent, dict) and "showing" in sent:
            sent["showing"] = showing
            sent |= {"answer": ANSWER} if "answer" in sent else {}
    return case


def test_every_operation_of_the_schema_is_fuzzed(study):
    paths = study_api(study).openapi()["paths"]
    found = {(method.upper(), path) for path, of_path in paths.items() for method in of_path}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize("is_signed_in", [True, False])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_of_the_schema_whatever_comes(app, study, method, path, is_signed_in):
    schema = schemathesis.openapi.from_dict(study_api(study).openapi())
    schema.app = app
    operation = schema[path][method]
    headers = {"Cookie": cookie(study)} if is_signed_in else {}
    good, bad = (
        operation.as_strategy(generation_mode=mode)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )
    mine = good.map(lambda case: about(case, current(study)))

    @FUZZED
    @given(st.one_of(mine, good, bad))
    def ask(case):
        response = case.call(base_url="http://127.0.0.1", headers=headers)
        case.validate_response(response, checks=CHECKS)
        found = {name: response.headers[name.lower()] for name in HEADERS}
        assert found == {name: [value] for name, value in HEADERS.items()}
        if not is_signed_in and path not in ("/api/sign-in", "/api/sign-out"):
            assert 400 <= response.status_code < 500

    ask()
