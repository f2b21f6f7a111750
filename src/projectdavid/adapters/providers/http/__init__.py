"""Parts that the providers share: requests to a model server, its failures, and the reading of its streams."""
