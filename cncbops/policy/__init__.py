"""The IAM permissions that each command needs: a table of needs, and policy documents made of it."""
