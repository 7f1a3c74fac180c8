"""S3 Inventory in place of list calls: what a bucket holds, as AWS wrote it down some hours ago."""
