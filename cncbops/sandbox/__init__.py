"""An embedded AWS on this machine, with a lake that a real pipeline made."""
