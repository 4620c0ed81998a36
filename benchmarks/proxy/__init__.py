"""Official clients of other languages before harness proxy."""
