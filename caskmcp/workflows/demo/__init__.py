"""The offline proof: a real small service, its recording, the compiled and approved tools, and attacks on all of it."""
