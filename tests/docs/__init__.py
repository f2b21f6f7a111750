"""The documentation: what it shows is run, what it lists is counted, what it promises has a test."""

import pytest

pytest.register_assert_rewrite("tests.docs.pages", "tests.docs.running")
