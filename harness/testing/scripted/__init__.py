"""What the scripted model server says: requests and replies as values, and their spelling on the wire."""
