"""Whether the labels of reference frames agree with each other, told from the frames alone."""
