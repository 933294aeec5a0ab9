"""Sales channels to try and test against: they speak the platforms' real wire formats, strictly."""
