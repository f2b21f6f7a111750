"""The OpenAI dialect, `/openai/v1`: the Assistants API v2 for the clients of OpenAI; one module per resource.

Source: the OpenAI API specification (github.com/openai/openai-openapi), and what its official clients send and expect.
"""
