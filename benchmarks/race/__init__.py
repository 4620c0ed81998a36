"""Many threads and tasks at one door, and a ledger that tells what was really done."""
