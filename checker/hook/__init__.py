"""The template rules as a CloudFormation Lambda hook: a deploy from a laptop is refused as the gate would refuse it."""
