"""Measured against a peer in the same run on the same machine: tables of seconds and ratios, no asserts about time."""
