"""The words of the OpenAI dialect: the Assistants API v2 as OpenAI's clients speak it.

Source: the OpenAI API specification (github.com/openai/openai-openapi) and the types of the official clients.
Requests are strict. Answers have all fields that the clients' strict types want, and may have more.
"""
