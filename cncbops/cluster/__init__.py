"""The places of a session on other machines: workers of a Dask cluster. Needs the extra `cluster`."""
