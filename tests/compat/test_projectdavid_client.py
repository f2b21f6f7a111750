"""The newest third-party client of the Project David wire, unmodified, in an environment of its own."""

import json
import os
import re
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.compat.environments import environment
from tests.fakes.hands import FakeComputer, FakeInterpreter
from tests.server.conftest import serving
from tests.timeouts import PROCESS_TIMEOUT

pytestmark = pytest.mark.slow

CLIENT = "projectdavid==1.113.1"
FLOW = Path(__file__).with_name("projectdavid_flow.py")
MATHY = {
    "name": "Mathy",
    "description": "test_case",
    "model": "llama3.1",
    "instructions": "You are a helpful math tutor.",
    "tools": [{"type": "code_interpreter"}],
}

Report = dict[str, Any]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What the client got at each step of its walk."""
    python, folder = environment(CLIENT), tmp_path_factory.mktemp("compat")
    tools = {"code_interpreter": FakeInterpreter(), "computer": FakeComputer()}
    with serving(folder, tools=tools) as server:
        keys = {"ENTITIES_API_KEY": server.api_key, "ADMIN_API_KEY": server.admin_api_key}
        walked = subprocess.run(
            [python, "-I", FLOW],
            env={"ENTITIES_BASE_URL": server.base_url, "PATH": os.environ["PATH"], "HOME": str(folder), **keys},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PROCESS_TIMEOUT,
            check=False,
        )
    assert walked.returncode == 0, walked.stderr[-5000:]
    return json.loads(walked.stdout)


def test_every_step_goes_through(report: Report) -> None:
    failed = {name: got for name, got in report.items() if isinstance(got, dict) and "failed" in got}
    assert failed == {}


def test_an_admin_manages_users_and_their_keys(report: Report) -> None:
    user = report["create_user"]
    assert (user["email"], user["full_name"], user["oauth_provider"]) == ("ada@example.com", "Ada", "local")
    assert report["retrieve_user"] == user
    assert report["update_user"] == {
        **user,
        "full_name": "Ada Lovelace",
        "updated_at": report["update_user"]["updated_at"],
    }
    key = report["create_key"]["details"]
    assert (key["key_name"], key["is_active"]) == ("laptop", True)
    assert report["get_key_details"] == key
    assert [found["key_name"] for found in report["list_keys"]] == ["laptop", "other"]
    assert report["list_as_new_user"] == []
    assert report["revoke_key"] is True
    assert [found["is_active"] for found in report["list_all_keys"]] == [False, True]
    assert report["delete_user"]["success"] is True


def test_the_assistants_of_the_page_come_back(report: Report) -> None:
    made = report["create_assistant"]
    assert {name: made[name] for name in MATHY} == MATHY
    assert made["object"] == "assistant"
    assert report["retrieve_assistant"] == made
    changed = {**made, "instructions": "You are now a web search bot", "tools": [{"type": "web_search"}]}
    assert report["update_assistant"] == changed
    assert report["list_assistants"] == [changed]
    assert report["delete_assistant"] == {"id": made["id"], "object": "assistant.deleted", "deleted": True}
    assert report["list_no_assistants"] == []


def test_threads_and_messages_come_back(report: Report) -> None:
    thread, message = report["create_thread"], report["create_message"]
    assert thread["meta_data"] == {"a": 1}
    assert report["update_thread"]["meta_data"] == {"a": 1, "b": 2}
    assert report["update_thread_metadata"]["meta_data"] == report["retrieve_thread"]["meta_data"] == {"c": 3}
    assert report["list_threads"] == [thread["id"]]
    assert (message["role"], message["content"], message["thread_id"]) == ("user", "How is it in Oslo?", thread["id"])
    assert report["retrieve_message"] == message
    assert report["update_message"] == {**message, "meta_data": {"n": 1}}
    assert report["list_messages"]["data"] == [report["update_message"]]
    assert report["formatted_messages"][-1] == {"role": "user", "content": "How is it in Oslo?"}


def test_the_loop_of_the_client_executes_a_call_and_goes_on_to_the_answer(report: Report) -> None:
    assert report["create_run"]["status"] == "pending"
    manifest, executed, *said = report["stream_events"]
    assert manifest == {
        **manifest,
        "type": "tool_call_manifest",
        "run_id": report["create_run"]["id"],
        "tool": "get_weather",
        "args": {"city": "Oslo"},
    }
    assert executed == {"executed": True}
    assert {event["type"] for event in said} == {"content"}
    assert "".join(event["content"] for event in said) == "They said: get_weather: rain in Oslo"
    run = report["retrieve_run"]
    assert (run["status"], run["thread_id"]) == ("completed", report["create_thread"]["id"])
    assert [(action["id"], action["status"]) for action in run["actions"]] == [(manifest["action_id"], "completed")]
    assert [found["id"] for found in report["list_runs"]["data"]] == [run["id"]]
    assert [found["id"] for found in report["list_all_runs"]["data"]] == [run["id"]]
    spoken = [(message["role"], message["content"]) for message in report["messages_after"]["data"]]
    assert spoken == [
        ("user", "How is it in Oslo?"),
        ("tool", "get_weather: rain in Oslo"),
        ("assistant", "They said: get_weather: rain in Oslo"),
    ]


def test_a_call_can_be_answered_through_its_action(report: Report) -> None:
    kinds = [chunk.get("status") or chunk["type"] for chunk in report["stream_chunks"]]
    assert kinds == ["started", "processing", "tool_call_manifest", "action_required"]
    (pending,) = report["pending_actions"]
    assert (pending["tool_name"], pending["function_arguments"]) == ("get_weather", {"city": "Oslo"})
    assert report["actions_by_status"][0]["id"] == report["get_action"]["id"] == pending["action_id"]
    assert (report["get_action"]["status"], report["mark_action"]["status"]) == ("pending", "processing")
    assert report["update_action"]["status"] == "completed"
    assert report["update_action"]["result"] == {"output": '{"weather":"sun"}'}
    told = report["stream_chunks_on"]
    assert "".join(chunk["content"] for chunk in told if chunk["type"] == "content") == 'They said: {"weather":"sun"}'
    assert told[-1]["status"] == "complete"


def test_files_go_up_are_looked_at_and_deleted(report: Report) -> None:
    file = report["upload_file"]
    assert (file["filename"], file["bytes"], file["purpose"], file["object"]) == ("table.csv", 8, "assistants", "file")
    assert (report["upload_object"]["filename"], report["upload_object"]["purpose"]) == ("x.txt", "vision")
    assert report["retrieve_file"] == file
    assert report["opened_link"] == "a,b\n1,2\n"
    assert b64decode(report["file_as_base64"]) == b"a,b\n1,2\n"
    said = report["say_with_image"]
    (attached,) = said["attachments"]
    assert (said["content"], attached["type"], attached["mime_type"]) == ("Look", "image", "image/png")
    assert (report["delete_file"], report["delete_file_again"], report["soft_delete_file"]) == (True, False, True)


def test_the_client_shows_code_its_output_and_its_files(report: Report) -> None:
    shown = [(kind, event) for kind, event in report["events_code_interpreter"] if kind != "ContentEvent"]
    code, output, file = (event for _, event in shown)
    assert [kind for kind, _ in shown] == [
        "HotCodeEvent",
        "CodeExecutionOutputEvent",
        "CodeExecutionGeneratedFileEvent",
    ]
    assert (code["content"], output["content"]) == ("1 + 1", "2\n")
    assert (file["filename"], file["mime_type"]) == ("plot.png", "image/png")
    assert file["file_id"] in file["url"]


def test_the_client_shows_what_a_shell_puts_out_and_its_files(report: Report) -> None:
    shown = [(kind, event) for kind, event in report["events_computer"] if kind != "ContentEvent"]
    assert [kind for kind, _ in shown] == ["ComputerExecutionOutputEvent", "ComputerGeneratedFileEvent"]
    (_, output), (_, file) = shown
    assert output["content"] == "a.txt\r\n"
    assert file["filename"] == "a.txt"


def test_a_ticket_opens_the_terminal_of_a_thread(report: Report) -> None:
    session = report["create_session"]
    assert session.keys() == {"room_id", "token", "ws_url"}
    assert session["room_id"] == report["create_thread"]["id"]
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/ws/computer", session["ws_url"])


def test_runs_are_cancelled_and_everything_is_deleted(report: Report) -> None:
    assert report["cancel_run"]["status"] == "cancelled"
    for name, kind in (
        ("delete_run", "thread.run.deleted"),
        ("delete_message", "thread.message.deleted"),
        ("delete_thread", "thread.deleted"),
        ("delete_caller", "assistant.deleted"),
    ):
        assert (report[name]["object"], report[name]["deleted"]) == (kind, True)


def test_a_run_that_waits_for_a_call_can_be_read_and_polled(report: Report) -> None:
    assert report["retrieve_waiting_run"]["status"] == "action_required"
    assert report["stream_to_the_call"][-1] == "action_required"
    assert report["poll_and_execute"] is True
    assert report["stream_the_rest"][-1] == "complete"


def test_a_run_at_work_is_cancelled_when_the_client_reads_it(report: Report) -> None:
    assert report["stream_to_the_text"]["content"] == "I begin"
    assert report["cancel_working_run"]["status"] == report["retrieve_cancelled_run"]["status"] == "cancelled"


def test_a_vector_store_is_filled_searched_and_emptied(report: Report) -> None:
    store = report["create_store"]
    assert (store["name"], store["vector_size"], store["distance_metric"]) == ("Animals", 384, "COSINE")
    assert report["retrieve_store"] == {**store, "file_count": 2, "updated_at": report["retrieve_store"]["updated_at"]}
    assert report["list_stores"] == report["stores_of_user"] == [report["retrieve_store"]]
    assert report["add_zoo"]["status"] == "completed"
    assert [file["file_name"] for file in report["list_store_files"]] == ["bees.txt", "zoo.txt"]
    [hit] = report["search_store"]
    assert "Zebras" in hit["text"]
    assert (hit["meta_data"]["file_name"], hit["store_id"]) == ("zoo.txt", store["id"])
    assert report["search_filtered"] == []
    assert (report["mark_file"]["status"], report["mark_file"]["error_message"]) == ("failed", "no")
    assert report["file_search_store"] == report["file_search_store_again"]
    assert report["delete_store_file"]["status"] == "deleted"
    assert [file["file_name"] for file in report["list_fewer_files"]] == ["zoo.txt"]
    assert report["delete_store"]["status"] == "deleted"
