"""The commands: in process where one answer is enough, as processes where starting and stopping counts."""
