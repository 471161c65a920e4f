"""Speed and memory of the library against its peers and against the floor of bare matrix products."""
