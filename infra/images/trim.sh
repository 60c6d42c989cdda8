#!/bin/sh
# Take from an environment what no service needs while it runs. What is left out as a whole package is in unused.txt.
#   trim.sh SITE_PACKAGES
set -eu
cd "$1"

# Tests that packages ship beside their code.
find . -depth -type d \( -name tests -o -name test \) -exec rm -rf {} +

# botocore describes 440 services, 27 MB, and boto3 some of them again. These are the ones we ask, and those that the
# credential chain may ask.
keep='bedrock-runtime dynamodb secretsmanager sso sso-oidc sts'
for service in botocore/data/*/ boto3/data/*/; do
    case " $keep " in
    *" $(basename "$service") "*) ;;
    *) rm -rf "$service" ;;
    esac
done

# Pipecat's models for local voice and turn detection, 11 MB that hardly shrink: without onnxruntime nobody loads them.
find pipecat -type f -name '*.onnx' -delete

# What compilers and type checkers read.
find . -type d -name include -path '*/numpy/*' -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -delete
