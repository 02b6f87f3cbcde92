"""One declarative table per platform: which addresses name which content."""
