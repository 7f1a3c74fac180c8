"""Records as a Kinesis event source mapping hands them over, and batches of them."""
