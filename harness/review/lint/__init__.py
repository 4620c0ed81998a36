"""What can be said against a registry before it judges anything."""
