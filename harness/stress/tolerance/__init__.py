"""What a run did about its faults, told by its trace."""
