"""The programs that the product is compared with: each is run as `python FILE ROWS FOLDER`, by itself.

They write the features of each split as columns named alike: `x0` … `n3` standardised, `x0_bucket`, `n0_bucket`,
`c1` … `c3` ordinal codes, `c0` and `pair` the place of the one (-1 for none), `note` how many words are in each of
64 places, and the target.
"""
