"""Tries every behaviour with the openai-python of the interpreter that runs this; prints what came of each as JSON.

Needs BASE_URL, API_KEY, and the same of a server whose runs have a second: HASTY_BASE_URL, HASTY_API_KEY.
"""

import json
import sys
import traceback
import warnings

import objects  # noqa: F401 - each module notes what it tries
import storing  # noqa: F401
import talking  # noqa: F401
from base import WALKS, World

import tools  # noqa: F401


def main() -> None:
    """All of it."""
    warnings.simplefilter("ignore", DeprecationWarning)
    world, report = World(), {}
    for name, act in WALKS.items():
        try:
            report[name] = act(world)
        except Exception:  # noqa: BLE001 - the report says what failed, and the walk goes on
            report[name] = {"failed": traceback.format_exc()}
    json.dump(report, sys.stdout)


main()
