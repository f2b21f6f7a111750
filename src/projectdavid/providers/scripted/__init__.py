"""Models without a model: one that replays a script, for tests and benchmarks, and the honest one of the demo."""

from projectdavid.providers.scripted.demo import DemoProvider
from projectdavid.providers.scripted.script import ScriptedProvider, say

__all__ = ["DemoProvider", "ScriptedProvider", "say"]
