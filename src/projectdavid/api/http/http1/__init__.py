"""HTTP/1.1 between a socket and an ASGI application, as RFC 9110 and RFC 9112 define it."""
