"""What a loss looks like: curves, fields and maps."""
