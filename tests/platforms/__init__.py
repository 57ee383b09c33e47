"""Where users run it: what stands in conf/ for each platform, on the nearest real thing."""
