"""One module for each contestant; each has `OPERATIONS`, and `NAME`, that of its distribution where it has one."""
