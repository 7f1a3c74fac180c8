"""The line formats a lake may hold: one module per family, registered in `families`."""
