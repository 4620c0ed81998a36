"""Whether any artifact can fit the constraints of a registry: a witness, a certificate that none can, or neither."""
