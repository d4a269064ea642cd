"""The programs that training is compared with: each is run as `python FILE FEATURES FOLDER`, by itself.

They read the arrays that the product's stage `features` has written, train the same network by the same
hyperparameters, and write its weights and `answers.npy`: what it says of the validation rows, a class a row.
"""
