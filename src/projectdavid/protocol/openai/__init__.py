"""Wire types of the OpenAI dialect: the Assistants API v2 as OpenAI's clients use it.

Source: the OpenAI API specification (github.com/openai/openai-openapi) and the types of the official clients. Requests
are strict. Responses have every field that the clients' strict types require, and can have more.
"""
