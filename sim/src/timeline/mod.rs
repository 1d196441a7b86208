//! A run made visible: its log as text, and as a page for a browser.
//!
//! [`Log`](crate::Log) displays as text, a line for each event. [`html`] makes one page of it that needs
//! nothing else: lifelines, messages as arrows, faults as spans, and what does not hold in red.

mod html;
mod messages;
mod picture;
mod text;

pub use html::html;
