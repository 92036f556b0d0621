"""What any hardware body needs: fixed-point types, exact multipliers, staircases, proofs."""
