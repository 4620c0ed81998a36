"""One file per neighbour: disks, clocks, clients, formats."""
