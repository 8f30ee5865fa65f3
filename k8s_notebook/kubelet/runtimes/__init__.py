"""What containers are made of: nothing but a table (simulated)."""
