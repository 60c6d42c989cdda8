"""Where call memory is stored: nowhere, in a folder, or in a DynamoDB table.

A `KeyValueStore` keeps encrypted bytes for a while; `CallStore` keeps `CallState` in it and never fails a call.
"""
