"""What a student is given, and what differs between the kits of a class."""
