"""How fast and how lean Bookbridge is, as ratios against a peer or a limit of the same run."""
