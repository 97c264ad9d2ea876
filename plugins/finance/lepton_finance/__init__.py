"""Finance applications for Lepton Platform."""
