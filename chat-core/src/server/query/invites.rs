//! INVITE without parameters: the channels that somebody is invited to.

use super::{LOOK_AT_MOST, Look};
use crate::wire::numeric::{RPL_ENDOFINVITELIST, RPL_INVITELIST};

/// The invitations to channels from an index on.
#[derive(Default)]
pub(crate) struct Invites {
    from: u32,
}

impl Invites {
    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        for (id, channel) in look.network.channels_from(self.from).take(LOOK_AT_MOST) {
            self.from = id.index + 1;
            if channel.invited.contains(&look.viewer) {
                look.send(RPL_INVITELIST, &[&channel.name], None);
                return false;
            }
        }
        if look.network.channels_from(self.from).next().is_some() {
            return false;
        }
        look.send_text(RPL_ENDOFINVITELIST, &[]);
        true
    }
}
