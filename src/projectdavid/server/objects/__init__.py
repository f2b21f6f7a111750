"""What every dialect does to the objects: finding them, and what is written when one is made or ends."""
