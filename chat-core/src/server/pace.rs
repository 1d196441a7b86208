//! How fast one connection's user does what others feel: joins, nicks, invitations, conversations.

use alloc::vec::Vec;
use core::time::Duration;

use super::rate::{Bucket, Rate};
use crate::{Instant, Limits, network::UserId};

/// What a user did of late. Made when there is something.
#[derive(Default)]
pub(crate) struct Pace {
    joins: Bucket,
    nicks: Bucket,
    invites: Bucket,
    conversations: Bucket,
    /// Those whom it talks to, the last one last.
    partners: Vec<UserId>,
}

/// Those whom a user may talk to in turn without its being a new conversation.
const PARTNERS: usize = 20;

/// What is done.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    Join,
    Nick,
    Invite,
}

impl Pace {
    /// The user does something, if it may.
    ///
    /// # Errors
    /// How long it may not.
    pub(crate) fn act(&mut self, act: Act, limits: &Limits, now: Instant) -> Result<(), Duration> {
        let (bucket, rate) = match act {
            Act::Join => {
                (&mut self.joins, Rate::per_minute(limits.joins_per_minute, limits.joins_burst))
            }
            Act::Nick => {
                (&mut self.nicks, Rate::per_minute(limits.nicks_per_minute, limits.nicks_burst))
            }
            Act::Invite => (
                &mut self.invites,
                Rate::per_minute(limits.invites_per_minute, limits.invites_burst),
            ),
        };
        bucket.take(rate, now)
    }

    /// The user talks to another, if it does already or may begin to.
    ///
    /// # Errors
    /// How long it may not.
    pub(crate) fn talk(
        &mut self,
        to: UserId,
        limits: &Limits,
        now: Instant,
    ) -> Result<(), Duration> {
        if !self.partners.contains(&to) {
            let rate =
                Rate::per_minute(limits.conversations_per_minute, limits.conversations_burst);
            self.conversations.take(rate, now)?;
        }
        self.talks_to(to);
        Ok(())
    }

    /// Another has talked to the user, who may answer.
    pub(crate) fn talks_to(&mut self, other: UserId) {
        match self.partners.iter().position(|partner| *partner == other) {
            Some(at) => self.partners[at..].rotate_left(1),
            None => {
                if self.partners.len() >= PARTNERS {
                    self.partners.remove(0);
                }
                self.partners.push(other);
            }
        }
    }
}
