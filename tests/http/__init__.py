"""What is between the socket and the application: raw bytes against the process of a server."""
