"""Providers without a real model: a scripted one for tests and benchmarks, and the demo model."""

from projectdavid.adapters.providers.scripted.demo import DemoProvider
from projectdavid.adapters.providers.scripted.script import ScriptedProvider, say

__all__ = ["DemoProvider", "ScriptedProvider", "say"]
