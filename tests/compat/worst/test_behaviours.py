"""Runs, tools and streams of the dialect behave as with a kind model."""

# ruff: noqa: F403 - the tests of other modules run here again
from tests.compat.behaviours.test_runs import *
from tests.compat.behaviours.test_streams import *
from tests.compat.behaviours.test_tools import *

LEFT_OUT = {
    "test_the_arguments_of_a_call_come_in_fragments": "this server sends calls whole",
    "test_code_is_a_step_whose_input_and_outputs_come_in_deltas": "this server sends calls whole",
    "test_a_model_that_is_asked_again_leaves_a_failed_step_behind": "a call that breaks off was not sent at all",
    "test_a_run_overrides_its_assistant": "it shows the prompt, whose system message has become user text",
    "test_a_thread_is_made_with_its_run": "it shows the prompt, whose system message has become user text",
    "test_a_reply_that_is_cut_off_leaves_the_run_incomplete": "no limit was requested, so it is the server's own",
    "test_all_calls_of_a_turn_are_answered_by_one_request_however_many": "300 calls exceed its context window",
    "test_a_run_whose_model_fails_says_so": "a rate limit of a real server is waited for",
}
"""Tests whose model does what this server cannot, each with the reason."""

for _name in LEFT_OUT:
    del globals()[_name]
