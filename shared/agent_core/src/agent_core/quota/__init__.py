"""How many streams to the model this task may open, out of the quota that all tasks of an account share.

`Pool` is what the shared table holds, `Share` what this task has of it, `Keeper` the traffic between the two;
`Throttle` is the back-off after a refusal of the model, and `Capacity` puts the regions of the model together.
"""
