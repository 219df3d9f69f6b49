"""The steps of `aa.poses.align`, one file each."""
