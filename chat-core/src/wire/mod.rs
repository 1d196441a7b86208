//! Bytes to lines to messages, and back.
//!
//! The lowest layer of the core. It knows what a line looks like and nothing of what one means:
//! no connection, no user, no channel.
//!
//! | direction | step | item |
//! | --- | --- | --- |
//! | in | stream to lines | [`Framer`] |
//! | in | line to message, borrowed from it | [`Message::parse`] |
//! | in | tag section to tags | [`Tags`] |
//! | in | parameter to name, by checking | [`Nick`], [`ChannelName`], [`name`] |
//! | out | parts to exactly one line | [`Encoder`] |
//! | both | names compared | [`CaseMapping`], [`mask`] |
//! | both | replies by number | [`Numeric`], [`numeric`] |
//! | out | replies by code | [`Standard`] |
//!
//! All text is bytes. IRC does not promise UTF-8, so nothing here decodes it, and `Debug` output
//! escapes it.
//!
//! Reading is tolerant, writing is strict: whatever [`Message::parse`] yields, [`Message::emit`]
//! writes in its one canonical form.

mod casemap;
mod encode;
mod escaped;
mod frame;
pub mod mask;
mod message;
pub mod name;
pub mod numeric;
mod standard;
mod subnet;
mod tags;
mod unicode;

pub use casemap::CaseMapping;
pub use encode::{BODY_MAX, Encoder, TAGS_MAX};
pub use escaped::Escaped;
pub use frame::{Frame, FrameLimits, Framer, Step};
pub use mask::{Pattern, matches, normalise_ban};
pub use message::{MAX_PARAMS, Message, ParseError};
pub use name::{
    ChannelName, Nick, is_channel, is_host_char, is_key, is_mask, is_nick, is_user, split_list,
};
pub use numeric::Numeric;
pub use standard::{Severity, Standard};
pub use subnet::{BadSubnet, Subnet};
pub use tags::{RawTagValue, TagIter, Tags, escape_into, is_tag_key};
