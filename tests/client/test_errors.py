"""What the errors say."""

import pickle

import pytest

import projectdavid
from projectdavid import APIStatusError, Entity, InvalidAnswerError, RunFailed
from projectdavid.protocol.runs import Run
from tests.client.fake import Answer, Fake, error
from tests.client.samples import ASSISTANT, RUN

CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    405: "APIStatusError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    599: "InternalServerError",
}


@pytest.mark.parametrize(("status", "name"), CLASSES.items())
def test_every_status_has_its_class_and_says_what_is_known(fake: Fake, client: Entity, status: int, name: str) -> None:
    fake.on("POST /v1/assistants", error(status, "bad_field", param="tools.0.type"))
    with pytest.raises(APIStatusError) as caught:
        client.assistants.create_assistant(model="m")
    failure = caught.value
    assert type(failure) is getattr(projectdavid, name)
    assert (failure.status_code, failure.code, failure.param) == (status, "bad_field", "tools.0.type")
    assert (failure.message, failure.request_id) == ("It went wrong.", "req_1")
    assert str(failure) == f"It went wrong. (status {status}, code bad_field, param tools.0.type, request req_1)"


def test_the_page_of_a_proxy_is_quoted_briefly(fake: Fake, client: Entity) -> None:
    fake.on("GET /health", Answer(b"<html>\n  <h1>Bad   gateway</h1>" + b"x" * 1000, 501))
    with pytest.raises(APIStatusError, match="<html> <h1>Bad gateway</h1>xxx") as caught:
        client.health()
    assert len(str(caught.value)) < 400
    assert caught.value.code is None


def test_a_redirect_is_not_followed_with_the_key(fake: Fake, client: Entity) -> None:
    fake.on("GET /health", Answer(b"", 307, {"location": f"{fake.base_url}/elsewhere"}))
    with pytest.raises(APIStatusError, match="status 307"):
        client.health()
    assert fake.lines() == ["GET /health"]


def test_an_answer_in_other_words_is_not_taken_for_one_of_ours(fake: Fake, client: Entity) -> None:
    fake.on("GET /v1/assistants/a", Answer({"hello": "world"}))
    with pytest.raises(InvalidAnswerError, match="not a Assistant; is the base URL that of a Project David server"):
        client.assistants.retrieve_assistant("a")


def test_fields_that_a_newer_server_adds_are_ignored(fake: Fake, client: Entity) -> None:
    fake.on("GET /v1/assistants/a", Answer(ASSISTANT | {"mood": "good"}))
    assert client.assistants.retrieve_assistant("a").dict() == ASSISTANT


def test_errors_survive_pickling() -> None:
    failure = projectdavid.NotFoundError("gone", status_code=404, code="not_found", request_id="req_1")
    assert str(pickle.loads(pickle.dumps(failure))) == str(failure)
    failed = RunFailed(Run.model_validate(RUN | {"status": "failed", "last_error": "no model"}))
    assert pickle.loads(pickle.dumps(failed)).run == failed.run
    assert str(failed) == "the run run_1 has the status failed: no model"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_id_that_would_name_something_else_is_not_sent(client: Entity, fake: Fake, name: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        client.assistants.delete_assistant(name)
    assert fake.asked == []


def test_an_id_cannot_change_the_path(client: Entity, fake: Fake) -> None:
    with pytest.raises(projectdavid.NotFoundError):
        client.assistants.retrieve_assistant("a/../../users?x=1#y")
    assert fake.lines() == ["GET /v1/assistants/a%2F..%2F..%2Fusers%3Fx%3D1%23y"]


def test_neither_the_client_nor_its_target_shows_the_key(client: Entity) -> None:
    assert "ea_test" not in repr(client)
    assert "ea_test" not in repr(vars(client))
