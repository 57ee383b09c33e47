"""How, at scale: the rules of `spec` over Delta tables, in the order in which a run carries them out."""
