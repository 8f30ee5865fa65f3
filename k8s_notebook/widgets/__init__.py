"""What a notebook shows: views whose state is traits; Python computes, the front end draws."""
