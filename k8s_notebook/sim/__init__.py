"""When things happen: clocks, the event loop, seeded randomness."""
