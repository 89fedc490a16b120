"""The researcher's data: votes from elsewhere come in, dated releases go out."""
