"""One file an emitter: what is made of the surface, as the bytes of one artifact."""
