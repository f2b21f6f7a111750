"""Runs a program for which each byte is a token, because tiktoken would download its vocabularies."""

import runpy
import sys

import tiktoken

RANKS = {bytes([byte]): byte for byte in range(256)}
BYTES = tiktoken.Encoding("bytes", pat_str=r"[\s\S]", mergeable_ranks=RANKS, special_tokens={})
tiktoken.get_encoding = tiktoken.encoding_for_model = lambda _: BYTES
runpy.run_path(sys.argv[1], run_name="__main__")
