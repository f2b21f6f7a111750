"""Model providers: one package per protocol."""
