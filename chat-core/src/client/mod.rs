//! The other end of the protocol: a client as a pure state machine.
