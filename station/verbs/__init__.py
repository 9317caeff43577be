"""The verbs of `qyran`, one file each; see `station.command` for how one is written."""
