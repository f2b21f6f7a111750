"""The URL of an Ollama server, from its own environment variables."""


def ollama_url(host: str) -> str:
    """Return the URL for `OLLAMA_HOST`, which can be `0.0.0.0`, `host:11434` or a URL."""
    url = host.rstrip("/") if "://" in host else f"http://{host}"
    scheme, _, rest = url.partition("://")
    name, slash, path = rest.partition("/")
    name = name.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - what listens everywhere is reached here
    if ":" not in name and scheme == "http":
        name = f"{name}:11434"
    url = f"{scheme}://{name}{slash}{path}"
    return url if url.endswith("/v1") else f"{url}/v1"
