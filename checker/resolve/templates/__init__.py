"""Intrinsics, conditions and worlds: from stacks as read to the project that rules see."""
