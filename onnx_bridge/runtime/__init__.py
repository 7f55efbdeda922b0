"""A built header behind numpy arrays, in this process or in another one. Nothing is imported here: the other one needs little."""
