"""What operators of both dialects are written with: steps, epilogues, strides, loops, windows, values known at conversion."""
