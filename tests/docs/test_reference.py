"""What the pages list is what there is: generated parts, errors, events, settings, routes, fields, links."""

import importlib.util
import json
import re
import subprocess
import sys
from inspect import signature
from pathlib import Path
from types import ModuleType

import httpx2
import pytest

from projectdavid import Entity, Retry, UnprocessableEntityError
from projectdavid.api.http.errors import TYPES
from projectdavid.client.overrides import RunOverrides
from projectdavid.client.retry import RETRYABLE_STATUSES
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.composition.tools import BUILT_IN
from projectdavid.engine.run import TRANSITIONS
from projectdavid.protocol.assistants import Assistant
from projectdavid.protocol.events import EVENTS
from projectdavid.protocol.statuses import status_to_wire
from projectdavid.settings import ProviderSettings, Settings
from tests.compat.behaviours import test_node_clients, test_python_clients
from tests.compat.vendor import suite
from tests.docs import codes
from tests.docs.pages import ALL, GUIDES, ROOT, SEED, named, prose, read, rows, section
from tests.timeouts import EVENT_TIMEOUT

DOCS = ROOT / "docs"
MIGRATION = DOCS / "migrate-from-openai.md"
SCRIPT = ROOT / "scripts/docs.py"
VARIABLE = re.compile(r'"((?:PROJECTDAVID|ENTITIES|OPENAI|OLLAMA|XDG)_[A-Z_]*[A-Z])"')


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_script", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_parts_are_what_the_code_says() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_part_that_drifted_is_found_and_mended(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- generated: states -->\nold\n<!-- end -->\nAfter\n", "utf-8")
    monkeypatch.setattr(script, "PAGES", tmp_path)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["docs.py", "--check"])
    assert script.main() == 1
    assert "page.md" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["docs.py"])
    assert script.main() == 0
    assert "queued --> in_progress" in read(page)
    monkeypatch.setattr(sys, "argv", ["docs.py", "--check"])
    assert script.main() == 0


def test_every_generated_part_has_its_place(script: ModuleType) -> None:
    used = [name for page in GUIDES for name in re.findall(r"<!-- generated: ([a-z-]+) -->", read(page))]
    assert sorted(used) == sorted(script.PARTS)


def test_the_diagram_has_every_transition() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", section(DOCS / "runs.md", "The life of a run"), re.MULTILINE))
    names = {status: status_to_wire(str(status)) for status in TRANSITIONS}
    assert drawn == {(names[status], names[after]) for status, many in TRANSITIONS.items() for after in many}


def test_every_status_of_a_run_is_explained() -> None:
    assert named(section(DOCS / "runs.md", "The life of a run")) == {status_to_wire(str(one)) for one in TRANSITIONS}


def test_every_event_is_documented_with_its_fields() -> None:
    listed = {row[0].strip("`"): row[1] for row in rows(section(DOCS / "streaming.md", "Events"))}
    assert listed.keys() == EVENTS.keys()
    for name, kind in EVENTS.items():
        fields = kind.model_fields.keys() - {"type", "run_id", "position", "at"}
        assert set(re.findall(r"`(\w+)`: ", listed[name])) == fields


def test_every_code_of_an_error_is_documented_with_its_status_and_no_other_is() -> None:
    listed = {(int(row[1]), row[0].strip("`")) for row in rows(section(DOCS / "errors.md", "Codes"))}
    assert listed == codes.answered()


def test_every_status_of_an_error_is_documented_with_its_type() -> None:
    listed = {int(row[0]): row[1].strip("`") for row in rows(section(DOCS / "errors.md", "Status codes"))}
    assert listed.keys() == {status for status, _ in codes.answered()}
    for status, kind in listed.items():
        assert kind == TYPES.get(status, "invalid_request_error")


def test_every_code_of_a_failed_run_is_documented_and_no_other_is() -> None:
    assert named(section(DOCS / "errors.md", "Why a run failed")) == codes.failed()


def test_the_statuses_after_which_the_sdk_tries_again_are_documented() -> None:
    text = section(DOCS / "errors.md", "When the SDK tries again")
    assert set(map(int, re.findall(r"\b[45]\d\d\b", text))) == RETRYABLE_STATUSES
    assert (Retry().max_retries, Retry().base_delay, Retry().max_delay) == (2, 0.5, 8.0)


def test_every_setting_is_documented() -> None:
    page = DOCS / "settings.md"
    assert named(section(page, "Settings of the server")) == set(Settings.model_fields)
    assert set(ProviderSettings.model_fields) <= named(section(page, "Providers"))


def test_every_variable_that_is_read_is_documented() -> None:
    packages = ("cli", "client", "composition", "settings")
    sources = [path for package in packages for path in (codes.SOURCE / package).rglob("*.py")]
    found = {name for path in sources for name in VARIABLE.findall(read(path))}
    assert {"OPENAI_API_KEY", "PROJECTDAVID_CREDENTIALS"} <= found
    assert found <= set(re.findall(r"`([A-Z_]+)`", read(DOCS / "settings.md")))


def test_every_argument_of_the_client_is_documented() -> None:
    assert set(signature(Entity).parameters) <= named(section(DOCS / "settings.md", "The SDK"))


def test_every_field_of_an_assistant_is_documented() -> None:
    assert named(section(DOCS / "assistants.md", "Fields")) == set(Assistant.model_fields)


def test_every_override_of_a_run_is_documented() -> None:
    assert named(section(DOCS / "runs.md", "What a run may do differently")) >= set(RunOverrides.__annotations__)


def test_the_reserved_names_of_functions_are_documented() -> None:
    listed = re.search(r"Reserved are (.*?)\.\n", section(DOCS / "assistants.md", "Tools"), re.DOTALL)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == frozenset().union(
        *(tool.description.reserved_functions for tool in BUILT_IN)
    )


def test_every_route_is_documented_and_no_other_is(server: EmbeddedPlatform) -> None:
    listed = {name for page in GUIDES if page != MIGRATION for name in named(read(page)) if re.match(r"[A-Z]+ /", name)}
    there = routes(f"{server.base_url}/openapi.json")
    assert listed | {"POST /v1/threads/{thread_id}"} == there, "the one is named beside its PUT"


def test_every_operation_of_the_openai_dialect_is_documented_and_no_other_is(server: EmbeddedPlatform) -> None:
    listed = named(section(MIGRATION, "All operations"))
    assert len(listed) == 51
    there = routes(f"{server.base_url}/openai/v1/openapi.json")
    beyond = {"GET /threads/{thread_id}/runs/{run_id}/events", "GET /threads"}
    assert listed | beyond == there, "these two are named below"


EVIDENCE = r"(recorded|reported|specification|guide|types|not known|)(\W|$)"


def test_every_difference_from_the_service_has_its_evidence() -> None:
    table = rows(section(MIGRATION, "What is different"))
    assert len(table) > 30
    for row in table:
        assert len(row) == 4, row
        assert re.match(EVIDENCE, row[3]), row
        assert row[3] or not row[1], row


def test_the_clients_that_were_tried_are_those_of_the_tests() -> None:
    tried = {row[0].split(" `")[0]: row[1] for row in rows(section(MIGRATION, "Tested clients"))}
    assert set(tried.pop("openai-python").split(", ")) == set(test_python_clients.VERSIONS)
    assert set(tried.pop("openai-node").split(", ")) == set(test_node_clients.VERSIONS)
    assert tried.pop("openai-python's own tests") == suite.VERSION
    frameworks = ROOT / "tests/compat/frameworks"
    requirements = list((frameworks / "requirements").iterdir())
    manifests = list((frameworks / "packages").glob("*/package.json"))
    pinned = {line for path in requirements for line in read(path).splitlines()}
    pinned |= {
        f"{name}=={number}" for path in manifests for name, number in json.loads(read(path))["dependencies"].items()
    }
    assert len(tried) == len(requirements) + len(manifests)
    for framework, version in tried.items():
        name, _, number = version.rpartition(" ")
        assert f"{name or framework.lower().replace(' ', '-')}=={number}" in pinned


def routes(description: str) -> set[str]:
    """The verbs and paths of an OpenAPI description."""
    paths = httpx2.get(description, timeout=EVENT_TIMEOUT).json()["paths"]
    return {f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs}


LIMITS = {
    "name": ("128", "x" * 128, "x" * 129),
    "description": ("256", "x" * 256, "x" * 257),
    "model": ("256", "x" * 256, "x" * 257),
    "instructions": ("256,000", "x" * 256_000, "x" * 256_001),
    "tools": ("128", [{"type": "web_search"}] * 128, [{"type": "web_search"}] * 129),
    "platform_tools": ("16", [{"type": "web_search"}] * 16, [{"type": "web_search"}] * 17),
    "top_p": ("0 to 1", 1, 1.01),
    "temperature": ("0 to 2", 2, 2.01),
    "response_format": ("64", "x" * 64, "x" * 65),
    "webhook_url": ("2048", f"https://a.example/{'x' * 2030}", f"https://a.example/{'x' * 2031}"),
    "meta_data": ("16 pairs", {f"{n}": "" for n in range(16)}, {f"{n}": "" for n in range(17)}),
}


def test_the_limits_of_an_assistant_s_fields_are_those_of_the_page(server: EmbeddedPlatform) -> None:
    limits = {row[0].strip("`"): row[2] for row in rows(section(DOCS / "assistants.md", "Fields"))}
    with Entity() as client:
        for field, (shown, most, more) in LIMITS.items():
            assert shown in limits[field]
            made = client.assistants.create_assistant(**{"model": "m", field: most})
            assert getattr(made, field) == most
            with pytest.raises(UnprocessableEntityError) as caught:
                client.assistants.create_assistant(**{"model": "m", field: more})
            assert caught.value.param == field


@pytest.mark.parametrize(("most", "more"), [({"k" * 64: "v" * 512}, {"k" * 65: ""}), ({"k": "v"}, {"k": "v" * 513})])
def test_the_limits_of_metadata_are_those_of_the_page(
    most: dict[str, str], more: dict[str, str], server: EmbeddedPlatform
) -> None:
    assert "keys of 1 to 64, values of up to 512 characters" in read(DOCS / "assistants.md")
    with Entity() as client:
        assert client.assistants.create_assistant(model="m", meta_data=most).meta_data == most
        with pytest.raises(UnprocessableEntityError):
            client.assistants.create_assistant(model="m", meta_data=more)


def test_the_words_of_the_glossary_are_in_order_and_stand_where_it_says() -> None:
    table = rows(read(DOCS / "glossary.md"))
    words = [row[0] for row in table]
    assert words == sorted(words)
    for row in table:
        assert len(row) == 3, row
        for path in re.findall(
            r"`((?:adapters|api|composition|engine|ports|protocol|runtime|security|services|settings)[/\w]*(?:\.py)?)`",
            row[2],
        ):
            assert (codes.SOURCE / path).exists(), path


@pytest.mark.parametrize("page", ALL, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target}"


def anchors(path: Path) -> set[str]:
    """The names under which the headings of a page can be linked to."""
    titles = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([a-z-]+\.md)\)", read(ROOT / "README.md")))
    assert linked == {page.name for page in GUIDES}


@pytest.mark.skipif(not SEED.is_file(), reason="the page is not beside this checkout")
def test_the_pages_are_written_in_words_of_our_own() -> None:
    def sentences(path: Path) -> set[str]:
        plain = re.sub(r"[`*|]", " ", prose(path))
        found = (" ".join(part.lower().split()) for part in re.split(r"[.!?](?:\s|$)|\n\n", plain))
        return {sentence for sentence in found if len(sentence.split()) > 5}

    theirs = sentences(SEED)
    assert len(theirs) > 10
    for page in GUIDES:
        assert not sentences(page) & theirs
