"""Jets of proton collisions: towers, clustering, what is inside them; needs the extra [sim]."""
