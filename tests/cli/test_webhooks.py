"""The commands around webhooks."""

from projectdavid import Entity
from tests.cli.conftest import Command

URL = "https://hooks.invalid/"


def test_an_assistant_is_given_a_webhook_and_its_secret_is_shown_this_once(command: Command) -> None:
    wanted = ["--webhook-url", URL, "--webhook-event", "run.completed", "--webhook-event", "run.failed"]
    made = command("assistants", "create", "--model", "demo/assistant", *wanted)
    assert "whsec_" in made.err
    assistant_id = made.out.strip()
    assert "whsec_" not in made.out
    shown = command("assistants", "show", assistant_id, "--json")
    assert shown.json["webhook_events"] == ["run.completed", "run.failed"]
    assert "whsec_" not in shown.out
    given = ["--webhook-secret", "sixteen characters"]
    assert "whsec_c2l4dGVlbiBjaGFyYWN0ZXJz" in command("assistants", "update", assistant_id, *given).out


def test_a_test_is_sent_listed_shown_and_sent_again(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="demo/assistant", webhook_url=URL)
    sent = command("webhooks", "test", assistant.id)
    delivery_id = sent.out.strip()
    assert f"webhooks show {delivery_id}" in sent.err
    listed = command("webhooks", "deliveries", "--assistant", assistant.id, "--json").json
    assert [(one["id"], one["event"]) for one in listed] == [(delivery_id, "webhook.test")]
    assert delivery_id in command("webhooks", "deliveries", "--assistant", assistant.id, "--limit", "1").out
    assert command("webhooks", "deliveries", "--assistant", assistant.id, "--status", "delivered", "--json").json == []
    assert command("webhooks", "show", delivery_id, "--json").json["payload"]["id"] == delivery_id
    assert "webhook.test" in command("webhooks", "show", delivery_id).out
    assert command("webhooks", "redeliver", delivery_id, "--json").json["id"] == delivery_id


def test_a_secret_is_rotated_and_printed(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="demo/assistant", webhook_url=URL)
    rotated = command("webhooks", "rotate", assistant.id)
    assert rotated.out.strip().startswith("whsec_")
    assert "until" in rotated.err
    given = command("webhooks", "rotate", assistant.id, "--secret", "sixteen characters", "--overlap", "0", "--json")
    assert given.json["webhook_secret"] == "whsec_c2l4dGVlbiBjaGFyYWN0ZXJz"


def test_errors_name_the_next_step(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="demo/assistant")
    assert "--webhook-url" in command("webhooks", "test", assistant.id).error
    assert "projectdavid webhooks deliveries" in command("webhooks", "show", "evt_nobody").error
    assert command("webhooks", "deliveries", "--status", "sent").code == 2
