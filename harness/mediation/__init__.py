"""What the harness does about a judgement."""
