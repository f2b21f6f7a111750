"""The platform's tools, over sandboxes of tests."""
