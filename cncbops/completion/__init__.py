"""What a name that is being typed, or was mistyped, may become: names that AWS knows, asked for in haste."""
