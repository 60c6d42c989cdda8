"""Stand-ins for cloud services: they implement the real protocols, document what they lack, and import no product code.

Sharing no code matters: a mistake that both sides made would pass every test.
"""
