"""What stops a run before it does harm."""
