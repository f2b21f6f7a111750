"""How the OpenAI dialect behaves, as a client sees it: what `manifest.toml` lists is what these tests cover."""
