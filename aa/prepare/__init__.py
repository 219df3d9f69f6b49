"""From raw videos to a data set, every decision with its reason; and a check of data sets."""
