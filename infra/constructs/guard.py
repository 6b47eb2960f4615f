"""A template that refuses to be deployed anywhere but where it was made for."""

import aws_cdk as cdk
from constructs import Construct


class AccountGuard(Construct):
    """Asserts the account of the deployment against the one that the template holds ids of.

    The CDK command compares them too, but a template can also reach CloudFormation without it. A template that was
    synthesized from example ids names an account that is nobody's, so CloudFormation refuses it everywhere.
    """

    def __init__(self, scope: Construct, construct_id: str, *, account: str) -> None:
        super().__init__(scope, construct_id)
        cdk.CfnRule(
            self,
            "Account",
            assertions=[
                cdk.CfnRuleAssertion(
                    assert_=cdk.Fn.condition_equals(cdk.Aws.ACCOUNT_ID, account),
                    assert_description=(
                        f"This template was synthesized for account {account}. Synthesize it with the ids of the "
                        "account that you deploy to: --context certificateArn, hostedZoneId, alarmEmail, imageTag."
                    ),
                )
            ],
        )
