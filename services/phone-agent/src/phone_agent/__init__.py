"""Answer phone calls: Twilio on one side, the shared conversation on the other."""
