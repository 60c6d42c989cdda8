"""Describe each cause of a failure and its remedy in one sentence. `causes` finds the cause and fills them in."""

from typing import Final

CAUSES: Final[dict[str, tuple[str, str]]] = {
    "dns": ("the name {host} was not found (DNS)", "check the network and its name servers, and {address}"),
    "refused": (
        "{host} refused the connection: nothing listens there",
        "check {address}, and whether a firewall rejects the connection",
    ),
    "unreachable": ("there is no route to {host}", "check this machine's network, its security group and its proxy"),
    "reset": (
        "{host} closed the connection",
        "wait, then try again; if it repeats, look for a proxy or firewall that cuts connections",
    ),
    "timeout": (
        "{host} did not answer in time",
        "check that outgoing connections to port 443 are allowed, then the status page of {label}",
    ),
    "tls_untrusted": (
        "the certificate of {host} comes from an authority that this machine does not trust",
        "if a proxy inspects traffic, name a file with its authority and the public ones in SSL_CERT_FILE",
    ),
    "tls_name": (
        "the certificate of {host} is for another name",
        "check {address}, and look for a proxy that intercepts the connection",
    ),
    "tls_expired": (
        "the certificate of {host} has expired, or is not valid yet",
        "synchronize this machine's clock (NTP); if it is right, the certificate must be renewed",
    ),
    "tls": ("TLS with {host} failed", "check that {address} leads to a port that speaks TLS, with no proxy in between"),
    "proxy": ("the proxy for {host} could not be reached", "correct HTTPS_PROXY, or unset it if there is no proxy"),
    "clock_skew": (
        "{label} refused the signature: {clock}",
        "synchronize this machine's clock (NTP): AWS refuses requests that are 5 minutes off",
    ),
    "no_credentials": (
        "no AWS credentials were found",
        "give the task a role, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    "half_credentials": (
        "the AWS credentials are incomplete: one half of the key is missing",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, both or neither",
    ),
    "expired_credentials": (
        "the AWS credentials have expired",
        "sign in again (`aws sso login`), or fetch new credentials; an ECS task renews its role's automatically",
    ),
    "signed_out": ("the AWS sign-in has expired", "sign in again (`aws sso login`)"),
    "credentials_unavailable": (
        "the source of the AWS credentials returned none",
        "check the profile, the task's role or the credential endpoint that they should come from",
    ),
    "unknown_profile": ("there is no AWS profile of that name", "correct AWS_PROFILE (`aws configure list-profiles`)"),
    "invalid_credentials": (
        "AWS does not know the access key",
        "correct AWS_ACCESS_KEY_ID; temporary keys need AWS_SESSION_TOKEN too, and some regions must be enabled first",
    ),
    "wrong_secret": (
        "the AWS secret key does not belong to the access key",
        "correct AWS_SECRET_ACCESS_KEY; if it is right, compare this machine's clock with the time",
    ),
    "no_model_access": (
        "this AWS account has no access to the model",
        "request access to Nova Sonic in Bedrock's model catalog, in the model's region, or set NOVA_SONIC_MODEL_ID",
    ),
    "access_denied": (
        "AWS denied the request: the role or user may not do it",
        "allow bedrock:InvokeModel on the model in its policy, and look for a deny in the organization's policies",
    ),
    "no_such_model": (
        "the region does not offer the configured model",
        "set NOVA_SONIC_REGION to us-east-1, us-west-2, eu-north-1 or ap-northeast-1, or NOVA_SONIC_MODEL_ID to newest",
    ),
    "model_retired": ("the model has reached its end of life", "set NOVA_SONIC_MODEL_ID to newest"),
    "throttled": (
        "{label} throttles this account's requests",
        "compare MODEL_STREAMS with the quota of concurrent requests in Service Quotas, and request more there",
    ),
    "quota": (
        "the account's quota of {label} is used up",
        "request more in Service Quotas, in the model's region, or set MODEL_STREAMS to the quota",
    ),
    "model_trouble": ("{label} failed on its side", "the request is retried; if it lasts, check AWS's status page"),
    "model_refused_input": (
        "{label} rejected the input",
        "the request is retried; if every call ends this way, compare prompt and tools with the model's docs",
    ),
    "content_filter": (
        "the content filter of {label} blocked what was said",
        "nothing: the conversation continues without it; if it is frequent, check the prompt",
    ),
    "wrong_credentials": ("{label} does not know the key", "correct {keys}"),
    "forbidden": ("{label} does not permit this for the key", "use a key with full rights for this account ({keys})"),
    "not_found": (
        "{label} found nothing at that URL",
        "check {address}, and that the key belongs to the same account and region",
    ),
    "rate_limited": (
        "{label} accepts no more requests at the moment",
        "wait; if it lasts, request a higher limit from {label}, or send fewer requests",
    ),
    "free_limit": (
        "{label}'s free service accepts no more requests from this IP address",
        "wait, or set {keys}: the free service is for non-commercial use and has daily limits",
    ),
    "server_error": ("{label} failed on its side", "wait, and check the status page of {label}"),
    "rejected": ("{label} refused the request", "check {keys} and {address}"),
    "unreadable": (
        "{host} returned a response that {label} does not send",
        "check {address}, and look for a proxy that responds itself",
    ),
    "own_limit": ("this task has reached its own rate limit for {label}", "nothing, unless it lasts: run more tasks"),
    "unknown": ("{label} failed with {error}", "run `voice-agent doctor`, which checks each step to it"),
}
