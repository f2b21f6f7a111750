"""Assembly: builds the parts of a server from settings, starts it, and administers its data folder."""
