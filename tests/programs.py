"""What the tests need from the system besides Python."""

import os
import shutil

import pytest

PACKAGES = {"curl": "curl", "git": "git", "jq": "jq", "node": "nodejs", "npm": "npm"}
"""Programs, and the packages of Debian and Ubuntu that have them."""


def require_programs(*names: str) -> None:
    """Skip the test if a program is missing and name the remedy; with `TEST_REQUIRE_PROGRAMS`, as in CI, fail it."""
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return
    packages = " ".join(PACKAGES[name] for name in missing)
    message = f"This test needs {', '.join(missing)}. Install it (Debian, Ubuntu: apt-get install {packages})."
    if os.environ.get("TEST_REQUIRE_PROGRAMS"):
        pytest.fail(message)
    pytest.skip(message)
