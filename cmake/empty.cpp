// The only member of the archive of a layer that has headers and no code of its own.
