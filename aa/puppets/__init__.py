"""Generated figures: drawn clips, the test on them and its report."""
