"""The same search for every learning arm: as many trials, seeds and steps, on weeks and homes of their own."""
