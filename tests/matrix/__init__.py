"""The seeded-defect matrix: break our compliant stacks in one way at a time, and see exactly that finding flip."""
