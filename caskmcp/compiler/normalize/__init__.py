"""From exchanges to value-free parts, from parts to operations: what may be said of traffic without saying what a person typed."""
