"""SQS queues as sources: messages received, kept hidden while they are worked on, deleted once delivered."""
