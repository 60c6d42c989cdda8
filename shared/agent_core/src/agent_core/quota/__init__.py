"""Share the account's quota of streams to the model among all its tasks.

`Pool` is the content of the shared table, `Share` this task's part of it, `Keeper` the traffic between the two;
`Throttle` is the back-off after the model has throttled a stream, and `Capacity` combines the regions of the model.
"""
