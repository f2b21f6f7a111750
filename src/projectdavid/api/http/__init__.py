"""HTTP building blocks of every dialect: errors, pages, streams, bodies."""
