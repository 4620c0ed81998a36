"""The Model Context Protocol: client sessions at the requests they send, and a proxy before servers."""
