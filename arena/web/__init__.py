"""HTTP in, HTTP out. The edge owns the transaction; the rules are in the domain modules."""
