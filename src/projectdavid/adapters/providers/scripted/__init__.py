"""Models without a model: one that replays a script, for tests and benchmarks, and the honest one of the demo."""

from projectdavid.adapters.providers.scripted.demo import DemoProvider
from projectdavid.adapters.providers.scripted.script import ScriptedProvider, say

__all__ = ["DemoProvider", "ScriptedProvider", "say"]
