"""The load balancer as a small program: it takes its rules from the CloudFormation template, and routes as AWS does."""
