"""Manufacturing applications for Lepton Platform."""
