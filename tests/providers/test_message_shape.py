"""Prompts that chat templates accept: no two messages of a role in a row, nothing empty, no word lost."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.adapters.providers.openai_compatible.message_shape import (
    NO_OUTPUT,
    UNSEEN,
    MessageRules,
    build_messages,
)
from projectdavid.engine.prompt import PromptCall, PromptMessage
from tests.engine.samples import patient

IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}


def says(role: str, content: Any, *calls: str) -> PromptMessage:
    """A message; `calls` are ids."""
    return PromptMessage(role, content, tuple(PromptCall(one, "f", "{}") for one in calls))


def text(*texts: str) -> list[dict[str, Any]]:
    """Parts of text."""
    return [{"type": "text", "text": one} for one in texts]


def call(call_id: str) -> dict[str, Any]:
    """A call as it is sent."""
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        pytest.param(
            [says("user", "One."), says("user", "Two.")],
            [{"role": "user", "content": "One.\n\nTwo."}],
            id="two users",
        ),
        pytest.param(
            [says("user", "Look."), says("user", [IMAGE])],
            [{"role": "user", "content": [*text("Look."), IMAGE]}],
            id="text and image",
        ),
        pytest.param(
            [says("user", "Hi"), says("assistant", "Let me see."), says("assistant", "", "a")],
            [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Let me see.", "tool_calls": [call("a")]},
            ],
            id="text and then calls",
        ),
        pytest.param(
            [says("assistant", "", "a"), PromptMessage("tool", "", call_id="a"), says("assistant", "Done.")],
            [
                {"role": "assistant", "tool_calls": [call("a")]},
                {"role": "tool", "content": NO_OUTPUT, "tool_call_id": "a"},
                {"role": "assistant", "content": "Done."},
            ],
            id="empty output, no content beside calls",
        ),
        pytest.param(
            [says("user", "Hi"), says("assistant", "")], [{"role": "user", "content": "Hi"}], id="empty answer"
        ),
        pytest.param([says("user", text("", "Hi"))], [{"role": "user", "content": "Hi"}], id="empty part"),
        pytest.param([says("user", text("Hi"))], [{"role": "user", "content": "Hi"}], id="one part is text"),
        pytest.param([says("user", text("a", "b"))], [{"role": "user", "content": text("a", "b")}], id="several parts"),
        pytest.param(
            [says("system", "S."), says("user", "Hi"), says("system", "T."), says("user", "So?")],
            [{"role": "system", "content": "S.\n\nT."}, {"role": "user", "content": "Hi\n\nSo?"}],
            id="system in the middle",
        ),
    ],
)
def test_a_prompt_becomes_what_templates_take(prompt: list[PromptMessage], expected: list[dict[str, Any]]) -> None:
    assert build_messages(prompt, MessageRules()) == expected


SYSTEM = [says("system", "Be brief."), says("assistant", "Welcome!"), says("user", "Hi"), says("system", "Now!")]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param(
            MessageRules(system="anywhere"),
            [("system", "Be brief."), ("assistant", "Welcome!"), ("user", "Hi"), ("system", "Now!")],
            id="anywhere",
        ),
        pytest.param(
            MessageRules(system="first"),
            [("system", "Be brief.\n\nNow!"), ("assistant", "Welcome!"), ("user", "Hi")],
            id="first",
        ),
        pytest.param(
            MessageRules(system="user"),
            [("user", "Be brief.\n\nNow!"), ("assistant", "Welcome!"), ("user", "Hi")],
            id="no system role",
        ),
        pytest.param(
            MessageRules(system="user", alternates=True),
            [("user", "Be brief.\n\nNow!\n\nYou began the conversation with these words:\nWelcome!\n\nHi")],
            id="no system role, and the user begins",
        ),
    ],
)
def test_instructions_reach_the_model_where_it_takes_them(shape: MessageRules, expected: list[tuple[str, str]]) -> None:
    assert [(one["role"], one["content"]) for one in build_messages(SYSTEM, shape)] == expected


def test_images_are_replaced_by_words_for_a_model_that_sees_none() -> None:
    (message,) = build_messages([says("user", [*text("Look."), IMAGE])], MessageRules(images=False))
    assert message["content"] == [*text("Look."), UNSEEN]


def test_parts_become_one_text_where_only_text_is_taken() -> None:
    (message,) = build_messages([says("user", text("a", "b"))], MessageRules(flat_text=True))
    assert message["content"] == "a\n\nb"


@pytest.mark.parametrize(("provider_id", "kept"), [("D681PevKs", True), ("call_abc", False), ("", False)])
def test_ids_of_calls_have_nine_characters_where_those_are_wanted(provider_id: str, kept: bool) -> None:
    asked = PromptMessage("assistant", "", (PromptCall("call_1", "f", "{}", provider_id),))
    output = PromptMessage("tool", "x", call_id="call_1", provider_call_id=provider_id)
    turn, answer = build_messages([asked, output], MessageRules(call_ids="nine"))
    sent = turn["tool_calls"][0]["id"]
    assert sent == answer["tool_call_id"]
    assert len(sent) == 9
    assert sent.isalnum()
    assert (sent == provider_id) is kept


FIELDS = {"reasoning_content": "Hm.", "reasoning_details": [1]}


@pytest.mark.parametrize(
    ("returns", "calls", "sent"),
    [
        ("calls", ("a",), FIELDS),
        ("calls", (), {}),
        ("always", (), FIELDS),
        ("never", ("a",), {}),
    ],
)
def test_fields_of_a_provider_go_back_as_its_profile_says(returns: Any, calls: tuple[str, ...], sent: Any) -> None:
    turn = PromptMessage("assistant", "So.", tuple(PromptCall(one, "f", "{}") for one in calls), provider_fields=FIELDS)
    (message,) = build_messages([turn], MessageRules(returns=returns))
    assert {name: message[name] for name in FIELDS if name in message} == sent


ROLES = st.sampled_from(["user", "user", "assistant", "system"])


@patient
@given(st.lists(st.tuples(ROLES, st.text(max_size=5))), st.sampled_from(["first", "user"]), st.booleans())
def test_no_word_is_lost_and_roles_alternate(said: list[tuple[str, str]], system: Any, alternates: bool) -> None:
    prompt = [says(role, content) for role, content in said]
    built = build_messages(prompt, MessageRules(system=system, alternates=alternates))
    roles = [message["role"] for message in built]
    assert "system" not in roles[1:]
    assert all(message["content"] for message in built)
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    assert all(before != after for before, after in pairwise(spoken))
    if alternates and any(role == "user" and content for role, content in said):
        assert spoken[0] == "user"
    whole = "\n\n".join(message["content"] for message in built)
    assert all(content in whole for _, content in said)
