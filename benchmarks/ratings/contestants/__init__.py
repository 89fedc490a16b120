"""One module for each contestant; each has `OPERATIONS`, and `PACKAGE`, the distribution that it runs."""
