"""A stand-in for the load balancer: reads its rules from the CloudFormation template, and routes as AWS does."""
