"""What networks are taught, a file a task."""
