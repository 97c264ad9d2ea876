"""Medical applications for Lepton Platform: research software, not medical devices."""
