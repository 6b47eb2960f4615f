#!/usr/bin/env bash
# The stack's outputs, as outputs of the step.
set -euo pipefail

STACK_NAME="DocPlatformStack"

output() {
  aws cloudformation describe-stacks --stack-name "$STACK_NAME" \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text
}

echo "cluster=$(output ClusterName)" >> "$GITHUB_OUTPUT"
echo "task_definition=$(output ApiTaskDefinitionArn)" >> "$GITHUB_OUTPUT"
echo "subnets=$(output PrivateSubnetIds)" >> "$GITHUB_OUTPUT"
echo "security_group=$(output ApiSecurityGroupId)" >> "$GITHUB_OUTPUT"
