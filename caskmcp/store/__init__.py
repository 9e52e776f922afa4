"""The disk: the layout of the root, safe reads and writes, blobs by digest, receipts, journals, the project file."""
