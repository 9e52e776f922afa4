"""The compiler: pure functions from records to records. No store, no clock, no environment, no randomness."""
