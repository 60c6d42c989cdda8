#!/bin/sh
# Remove files that no service needs at run time. Packages that are left out as a whole are in unused.txt.
#   trim.sh SITE_PACKAGES
set -eu
cd "$1"

# Tests shipped with packages.
find . -depth -type d \( -name tests -o -name test \) -exec rm -rf {} +

# botocore describes 440 services, 27 MB, and boto3 some of them again. Keep those we call, and those
# that the credential chain may call.
keep='bedrock-runtime dynamodb secretsmanager sso sso-oidc sts'
for service in botocore/data/*/ boto3/data/*/; do
    case " $keep " in
    *" $(basename "$service") "*) ;;
    *) rm -rf "$service" ;;
    esac
done

# Pipecat's models for local voice and turn detection, 11 MB that hardly compress: without onnxruntime they are never
# loaded. The stand-ins' image has no Pipecat.
[ ! -d pipecat ] || find pipecat -type f -name '*.onnx' -delete

# Twilio's REST API, 24 MB: the phone service builds TwiML and verifies signatures with the library, nothing else.
rm -rf twilio/rest twilio/jwt

# Files for compilers and type checkers only.
find . -type d -name include -path '*/numpy/*' -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -delete
