"""What a server reports about itself: metrics, spans and log records. Only the standard library, so all can use it."""
