"""The OpenAI dialect, operation by operation: whose objects are reached, and what becomes of bad or repeated input."""
