"""Other parties' agent frameworks against the dialect of OpenAI, each unmodified and in an environment of its own."""
