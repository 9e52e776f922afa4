"""Three small services with state, and people who use them: recordings in which it is known which answer gave which argument.

`tests/cases/flows/*.yaml` says what is true of them. `shop` and `tracker` were there while the rules for edges were made; `clinic` was kept
apart, and is looked at for the figure alone.
"""
