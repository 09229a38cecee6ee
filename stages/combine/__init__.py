"""Tables become one: of several teachers their mean, of several heads a column for each."""
