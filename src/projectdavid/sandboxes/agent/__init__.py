"""What runs inside every sandbox: the agent, which speaks with the host, and the worker, which runs the code.

It runs where the rest of the project is not installed: the standard library only, relative imports, any Python from
3.11. `python -I agent --kind python` serves over stdin and stdout; a fork server calls `warm` once and `serve` in each
of its children.
"""

from .serving import serve
from .warming import warm

__all__ = ["serve", "warm"]
