"""The own tests of openai-python against our server, through a front that makes their requests possible."""
