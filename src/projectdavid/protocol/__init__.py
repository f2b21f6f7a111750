"""The words: what travels over HTTP, shared by server and SDK. Imports nothing of ours."""
