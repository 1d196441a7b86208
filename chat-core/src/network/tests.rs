//! The shared state alone.
