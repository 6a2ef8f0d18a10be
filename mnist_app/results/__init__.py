"""What is kept: trained networks as files, and a cache of what was computed.

`weights` lists, loads and saves results, and has their facts as `WeightsInfo`. `cache` keeps what
took long to compute, found again by what it came from. `ensemble` joins networks into one.
"""
