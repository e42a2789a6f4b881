"""Where the head is: recorded traces, mouse and keyboard, and the comfort volume that bounds them."""
