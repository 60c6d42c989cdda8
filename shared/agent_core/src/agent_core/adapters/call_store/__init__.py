"""Where calls are remembered: nowhere, in a folder, or in a DynamoDB table.

A `Shelf` keeps sealed bytes for a while; `CallStore` puts `CallMemory` on it and never harms a call.
"""
