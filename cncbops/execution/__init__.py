"""Where a session's reading and sending is done: in this process, or in several."""
