"""A lean way to AWS for the calls that are made by the thousand, on a botocore client's own connections."""
