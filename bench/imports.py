"""The floor of a start: FastAPI, uvicorn and pydantic imported, and nothing else; prints `{}` and waits for its end."""

import json
import sys

import fastapi  # noqa: F401
import pydantic  # noqa: F401
import uvicorn  # noqa: F401

if __name__ == "__main__":
    print(json.dumps({}), flush=True)
    sys.stdin.read()
