"""Serve a GGUF file with the server of llama.cpp; runs in an environment of its own, without this project.

    python -I llama_server.py MODEL PORT CONTEXT_WINDOW CHARACTERS [TEMPLATE]

Every answer has exactly CHARACTERS letters and spaces, unless the request wants a schema: the model has no end of its
own, and a grammar makes it end. Prints `ready` once the model is loaded; ends with its standard input.
"""

import os
import sys
from pathlib import Path

import xllamacpp

NICENESS = 10


def main(model: str, port: str, context_window: str, characters: str, template: str = "") -> None:
    """Load the model and serve it."""
    os.nice(NICENESS)
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = ["gemma3:270m"]
    params.port = int(port)
    params.n_ctx = int(context_window)
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    grammar = xllamacpp.CommonGrammar()
    grammar.type = xllamacpp.common_grammar_type.COMMON_GRAMMAR_TYPE_USER
    grammar.grammar = f"root ::= [a-z ]{{{characters}}}"
    params.sampling.grammar = grammar
    if template:
        params.chat_template = Path(template).read_text("utf-8")
    server = xllamacpp.Server(params)
    print("ready", flush=True)
    sys.stdin.read()
    del server


main(*sys.argv[1:])
