"""The cameras' footage: pictures in lockstep, masks, sound."""
