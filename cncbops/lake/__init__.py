"""Data lakes: what objects there are, and the lines they hold."""
