"""Reads another Assistants service, or exports of one, and sends the objects to a Project David server."""
