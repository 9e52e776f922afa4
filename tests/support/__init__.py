"""What tests share: fakes of the ports, builders of records, a terminal driver. Nothing here asserts."""
