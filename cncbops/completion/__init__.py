"""What a word that is being typed may become: names that AWS knows, asked for in haste and kept for a minute."""
