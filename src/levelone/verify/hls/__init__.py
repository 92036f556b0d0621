"""What only makes sense for hls4ml projects: C++ types and numbers, edited lines, the causes found there."""
