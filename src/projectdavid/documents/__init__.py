"""Where documents are read: in processes of their own, under limits, so that no file can harm the server."""
