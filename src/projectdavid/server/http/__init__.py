"""What every dialect needs of HTTP: errors, pages, streams, bodies."""
