//! A channel's lists of masks: bans, exceptions, invite exceptions.

use super::{Look, decimal};
use crate::{
    network::{ChannelId, List},
    wire::numeric::{
        RPL_BANLIST, RPL_ENDOFBANLIST, RPL_ENDOFEXCEPTLIST, RPL_ENDOFINVEXLIST, RPL_EXCEPTLIST,
        RPL_INVEXLIST,
    },
};

/// One of a channel's lists, from the `from`th entry on.
pub(crate) struct Masks {
    channel: ChannelId,
    list: List,
    from: usize,
}

impl Masks {
    pub(crate) const fn new(channel: ChannelId, list: List) -> Self {
        Self { channel, list, from: 0 }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let Some(channel) = look.network.channel(self.channel) else { return true };
        let (numeric, end) = match self.list {
            List::Bans => (RPL_BANLIST, RPL_ENDOFBANLIST),
            List::Exceptions => (RPL_EXCEPTLIST, RPL_ENDOFEXCEPTLIST),
            List::InviteExceptions => (RPL_INVEXLIST, RPL_ENDOFINVEXLIST),
        };
        let Some(entry) = channel.list(self.list).get(self.from) else {
            look.send_text(end, &[&channel.name]);
            return true;
        };
        self.from += 1;
        let at = decimal(entry.at.as_secs());
        look.send(numeric, &[&channel.name, &entry.mask, &entry.by, &at], None);
        false
    }
}
