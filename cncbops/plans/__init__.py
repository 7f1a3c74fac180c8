"""What would be done: shown, kept in a file, and compared with what is."""
