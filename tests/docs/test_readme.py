"""Every sentence of README.md is a promise that a test keeps, or promises nothing."""

import ast
import re
import tomllib
from pathlib import Path

import httpx2

from projectdavid import Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.docs.pages import ROOT, blocks, prose, read
from tests.docs.running import Session
from tests.timeouts import EVENT_TIMEOUT

README = ROOT / "README.md"
EXAMPLES = "docs/test_examples.py::test_the_examples_of_a_page_run_one_after_the_other_and_print_what_it_shows"

CLAIMS: dict[str, tuple[str, ...]] = {
    "An open, self-hosted Assistants platform: a server, a Python SDK and a command line in one package.": (
        "client/test_embedded.py::test_the_platform_runs_as_long_as_its_client_is_open",
        "client/test_package.py::test_the_public_names_are_those_of_the_client",
        "cli/test_help.py::test_the_version_is_that_of_the_package",
    ),
    "Create assistants, talk to them in threads, let them run code and call your functions, and stream their runs.": (
        EXAMPLES,
    ),
    "It works with any model server that speaks the chat-completions protocol, such as vLLM, llama.cpp, or your own "
    "gateway, and with the protocols of Anthropic, Gemini, OpenAI (Responses) and Ollama.": (
        "providers/vendors/test_contract.py::test_calls_arrive_whole_and_in_order",
        "providers/vendors/test_sdks.py::test_the_sdk_and_we_read_the_same",
        "providers/test_openai_compatible.py::test_the_request_is_in_the_words_of_the_protocol",
        "providers/test_openai_compatible_bytes.py::test_every_dialect_of_a_stream_is_understood",
        "providers/test_openai_compatible_bytes.py::test_every_dialect_of_tool_calls_is_understood",
    ),
    "An accepted run finishes even after `kill -9`, with all state in one SQLite file.": (
        "e2e/test_kill.py::test_accepted_runs_finish_once_however_often_the_server_is_killed",
    ),
    "You never pay twice for a finished model turn.": (
        "e2e/test_kill.py::test_accepted_runs_finish_once_however_often_the_server_is_killed",
    ),
    "A stream can be interrupted at any event and resumed from there.": (
        "e2e/test_cuts.py::test_a_finished_run_can_be_cut_at_every_byte",
        "e2e/test_cuts.py::test_a_live_run_can_be_cut_at_every_event",
        "client/test_streams.py::test_a_stream_that_is_cut_again_and_again_gives_each_event_once",
    ),
    "The server implements the API that OpenAI switched off, for unmodified `openai` clients and the frameworks "
    "built on them.": (
        "compat/behaviours/test_python_clients.py::test_the_client_observes_the_behaviour",
        "compat/vendor/test_vendor_suite.py::test_the_own_tests_of_openai_python_pass",
        "compat/frameworks/test_frameworks.py::test_langchain_executes_a_tool_and_goes_on_in_the_thread",
    ),
    "You change two environment variables.": (EXAMPLES,),
    "A request that is retried with the same idempotency key takes effect once.": (
        "e2e/test_repeats.py::test_a_request_that_is_repeated_under_its_key_happens_once_however_often_the_server_is"
        "_killed",
        "server/test_idempotency.py::test_200_requests_at_once_with_one_key_make_one_object",
    ),
    "A tool call with unsafe effects is never repeated.": (
        "runtime/test_tools.py::test_after_a_crash_an_unsafe_call_is_not_repeated_and_its_outcome_is_unknown",
        "runtime/test_tools.py::test_after_a_crash_a_finished_call_is_not_repeated",
    ),
    "Webhooks are retried until they are delivered.": (
        "e2e/test_webhooks.py::test_a_receiver_that_is_down_for_ten_minutes_while_the_server_is_killed_three_times_gets"
        "_every_event",
    ),
    "A thousand simulated crash scenarios verify this on every change.": (
        "simulation/test_worlds.py::test_no_world_violates_an_invariant",
        "simulation/test_worlds.py::test_a_rule_that_is_broken_shows",
    ),
    "Python and shell commands run in a sandbox per thread: isolated, with resource limits and without network "
    "access.": (
        "contracts/sandbox/test_escapes_local.py::test_its_level_is_namespaces",
        "tools/test_code_interpreter.py::test_two_threads_have_nothing_in_common",
        "sandboxes/test_local_user.py::test_many_processes_together_use_no_more_memory_than_they_may",
    ),
    "If the machine cannot isolate the code, the server does not run it.": (
        "contracts/sandbox/test_refusal.py::test_in_a_default_container_it_refuses_and_names_the_remedy",
        "sandboxes/test_local_refusal.py::test_there_is_no_mode_without_isolation",
    ),
    "A suite of escape attempts tests the sandbox on every change.": (
        "contracts/sandbox/test_mutations.py::test_without_a_hardening_the_suite_goes_red",
        "contracts/sandbox/test_as_user.py::test_it_holds_for_an_ordinary_user",
    ),
    "Calls of any tool can wait until a person approves them, in the console, the terminal, the API or a webhook.": (
        "server/test_approvals.py::test_what_needs_no_approval_runs_before_people_are_asked_and_the_rest_once_after",
        "console/test_play.py::test_calls_that_need_approval_are_approved_or_denied_in_the_page",
        "cli/test_approvals.py::test_a_call_that_waits_is_listed_shown_and_approved",
        "runtime/test_approvals.py::test_the_answer_of_a_webhook_can_decide",
    ),
    "PDFs, office documents, web pages and text are indexed for full-text search, and for semantic search if you "
    "configure an embedding model.": (
        "documents/test_kinds.py::test_a_pdf_is_read_page_by_page",
        "server/test_searching.py::test_what_says_most_about_the_query_comes_first",
        "server/test_embeddings.py::test_what_means_the_same_is_found_by_other_words",
    ),
    "The server verifies each citation against the stored text.": (
        "server/test_file_search.py::test_an_answer_cites_a_sentence_that_stands_in_the_file",
        "server/test_file_search.py::test_a_citation_that_leads_nowhere_is_taken_out_and_counted",
    ),
    "One process and one file; no account, no network, no container engine.": (
        "cli/test_demo.py::test_it_goes_the_whole_way_without_key_or_network",
        "docs/test_readme.py::test_all_that_is_kept_is_in_one_file",
    ),
    "Talk to assistants, follow each run event by event, and search your files in a browser.": (
        "console/test_play.py::test_a_prompt_of_the_start_page_runs_code_and_shows_its_plot",
        "console/test_runs.py::test_a_trace_shows_turns_and_events_by_keyboard_and_as_a_file",
        "console/test_pictures.py::test_the_pictures_of_the_docs_show_the_console",
    ),
    "It uses only the public API.": (
        "architecture/test_console.py::test_the_types_of_the_api_are_generated_from_its_description",
    ),
    "Every error has a code, names the field and says what was expected.": (
        "server/test_assistants.py::test_a_value_beyond_its_limit_is_refused_with_its_field_and_what_was_expected",
        "docs/test_reference.py::test_every_code_of_an_error_is_documented_with_its_status_and_no_other_is",
    ),
    "Writes are atomic.": (
        "contracts/test_store.py::test_a_group_that_is_refused_leaves_nothing_behind",
        "e2e/test_disk.py::test_a_full_disk_refuses_what_is_new_and_loses_nothing",
    ),
    "On a machine with Python 3.11 or newer and `make`:": (
        "docs/test_readme.py::test_python_3_11_is_enough",
        "docs/test_examples.py::test_commands_that_are_shown_exist",
    ),
    "The demo uses a scripted model.": (EXAMPLES,),
    "To use a real one, set its address and run the same command again:": (
        "cli/test_demo.py::test_ollama_is_asked_where_it_is_named",
        "docs/test_settings.py::test_the_usual_variables_make_providers",
    ),
    "On its first start, the server creates a user, a key, and the credentials file that `Entity()` reads, so no "
    "further setup is needed:": (EXAMPLES, "docs/test_seed.py::test_create_prints_what_the_page_shows"),
    "A Python function is a tool: the SDK derives its schema from the type hints and the docstring, and answers "
    "its calls.": (
        "client/test_functions.py::test_hints_and_docstring_become_a_schema",
        "client/test_running.py::test_a_function_is_called_and_the_run_goes_on",
    ),
    "An assistant with `code_interpreter` writes Python code, the server runs it, and you can download the files "
    "and plots:": (
        EXAMPLES,
        "tools/test_code_interpreter.py::test_a_csv_goes_in_and_a_table_a_plot_and_another_csv_come_out",
    ),
    "An assistant with `file_search` searches your documents and cites the sentence that supports its answer:": (
        EXAMPLES,
        "docs/test_file_search.py::test_the_example_answers_with_citations_whose_spans_resolve",
    ),
    "A program written for OpenAI's Assistants API only needs a different base URL and key; its code does not "
    "change:": (EXAMPLES, "docs/test_readme.py::test_a_program_of_openai_runs_when_two_variables_change"),
    "Moving from OpenAI describes what is the same, what is better and what differs.": (
        "docs/test_reference.py::test_every_operation_of_the_openai_dialect_is_documented_and_no_other_is",
    ),
    'To run the platform inside your program, without a separate server, use `Entity.embedded("folder")`.': (
        "client/test_embedded.py::test_the_platform_runs_as_long_as_its_client_is_open",
    ),
    "The API reference is served at `/docs` and `/openapi.json`; for the OpenAI dialect, at `/openai/v1/docs` and"
    " `/openai/v1/openapi.json`.": ("docs/test_readme.py::test_the_server_and_the_dialect_describe_themselves_twice",),
    "Version 0.1: assistants, threads, messages, runs, streams, function tools, `code_interpreter`, `computer`, "
    "`file_search` and `web_search`, files, vector stores, webhooks, users and keys; and the OpenAI dialect.": (
        "docs/test_reference.py::test_every_route_is_documented_and_no_other_is",
        "docs/test_readme.py::test_the_version_is_the_one_it_names",
    ),
    "`web_search` needs a search engine that you configure; without one, a run reports this in its `warnings`.": (
        "server/test_web_search.py::test_a_model_searches_reads_scrolls_finds_and_cites",
        "server/test_web_search.py::test_without_an_engine_the_assistant_the_run_and_the_model_are_told",
    ),
    "This is an independent implementation, written from scratch under the Apache-2.0 license.": (
        "docs/test_readme.py::test_the_licence_is_the_one_it_names",
    ),
    "It is not the `projectdavid` package on the Python Package Index, and is not made or endorsed by its "
    "authors; it implements the same protocol, so programs written for that client can run against it.": (
        EXAMPLES,
        "server/test_threads.py::test_what_the_project_david_client_sends_makes_a_message",
    ),
}


def sentences() -> list[str]:
    """The sentences of the README: without headings, tables, pictures and blocks, and without the bold mottos."""
    text = re.sub(r"^(#|\||!\[).*$", "", prose(README), flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^- \*\*.*?\*\*", "\n", text, flags=re.MULTILINE).replace("**", "")
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return [one for part in paragraphs for one in re.split(r"(?<=[.?!]) (?=[A-Z`])", part) if one]


def test_every_sentence_is_in_the_table() -> None:
    assert sentences() == list(CLAIMS)


def test_the_tests_of_the_table_exist() -> None:
    for test in {test for tests in CLAIMS.values() for test in tests}:
        name, _, function = test.partition("::")
        tree = ast.parse(read(ROOT / "tests" / name))
        found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in found, test


def test_all_that_is_kept_is_in_one_file(server: EmbeddedPlatform, home: Path) -> None:
    with Entity() as client:
        client.assistants.create_assistant(model="demo/assistant")
    names = {path.name for path in (home / ".local/share/projectdavid").iterdir()}
    assert names <= {
        "projectdavid.db",
        "projectdavid.db-wal",
        "projectdavid.db-shm",
        "projectdavid.lock",
        "projectdavid.reserve",
        "secret.key",
        "credentials.json",
        "blobs",
        "index.db",
        "index.db-wal",
        "index.db-shm",
    }


def test_python_3_11_is_enough() -> None:
    assert tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["requires-python"] == ">=3.11"


def test_the_server_and_the_dialect_describe_themselves_twice(server: EmbeddedPlatform) -> None:
    page = httpx2.get(f"{server.base_url}/docs", timeout=EVENT_TIMEOUT)
    assert page.status_code == 200
    described = httpx2.get(f"{server.base_url}/openapi.json", timeout=EVENT_TIMEOUT).json()
    assert described["info"]["title"] == "projectdavid"
    assert "/v1/assistants" in described["paths"]
    page = httpx2.get(f"{server.base_url}/openai/v1/docs", timeout=EVENT_TIMEOUT)
    assert page.status_code == 200
    described = httpx2.get(f"{server.base_url}/openai/v1/openapi.json", timeout=EVENT_TIMEOUT).json()
    assert "/threads/{thread_id}/runs" in described["paths"]
    assert described["servers"] == [{"url": "/openai/v1"}]


def test_the_version_is_the_one_it_names(server: EmbeddedPlatform) -> None:
    with Entity() as client:
        assert client.health().version.startswith("0.1.")


def test_a_program_of_openai_runs_when_two_variables_change(server: EmbeddedPlatform, home: Path) -> None:
    shell = next(block.text for block in blocks(README) if "OPENAI_API_KEY=$(" in block.text)
    program = next(block.text for block in blocks(README) if "from openai import" in block.text)
    assert len(shell.splitlines()) == 2
    assert not re.search(r"127.0.0.1|localhost|api_key|base_url", program), "the program itself is told nothing"
    session = Session(server, home)
    for block in blocks(README):
        if block.text == shell:
            session.run_shell(block)
        elif block.text == program:
            session.run_python(block)
    session.close()
    assert session.printed.startswith("I am the demo model of projectdavid")
    assert "What is 12 * 12?" in session.printed


def test_the_licence_is_the_one_it_names() -> None:
    assert tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["license"] == "Apache-2.0"
    assert "Apache License\n" in read(ROOT / "LICENSE")
