"""EQUAL, NARROWS, BROADENS or INCOMPARABLE between two tool languages: sound, incomplete; what is not known to narrow broadens."""
