//! What MONITOR tells of nicks: which of them are in use, or the list of them.

use alloc::{boxed::Box, vec::Vec};

use super::Look;
use crate::wire::{
    Numeric,
    numeric::{RPL_ENDOFMONLIST, RPL_MONLIST, RPL_MONOFFLINE, RPL_MONONLINE},
};

/// Nicks to be told of, a line of them at a time.
pub(crate) struct Monitored {
    nicks: Vec<Box<[u8]>>,
    telling: Telling,
    /// The place of the next nick.
    at: usize,
}

enum Telling {
    Online,
    Offline,
    List,
}

impl Monitored {
    /// Those that are in use, then those that are not.
    pub(crate) const fn status(nicks: Vec<Box<[u8]>>) -> Self {
        Self { nicks, telling: Telling::Online, at: 0 }
    }

    /// All of them, and an end.
    pub(crate) const fn list(nicks: Vec<Box<[u8]>>) -> Self {
        Self { nicks, telling: Telling::List, at: 0 }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let numeric = match self.telling {
            Telling::Online => RPL_MONONLINE,
            Telling::Offline => RPL_MONOFFLINE,
            Telling::List => RPL_MONLIST,
        };
        if self.line(look, numeric) {
            return false;
        }
        self.at = 0;
        match self.telling {
            Telling::Online => self.telling = Telling::Offline,
            Telling::Offline => return true,
            Telling::List => {
                look.send_text(RPL_ENDOFMONLIST, &[]);
                return true;
            }
        }
        false
    }

    /// One line of nicks; whether there were any.
    fn line(&mut self, look: &mut Look<'_>, numeric: Numeric) -> bool {
        let room = look.room(b"");
        let mut line: Vec<u8> = Vec::new();
        while let Some(nick) = self.nicks.get(self.at) {
            let user = look.network.find_user(nick).and_then(|id| look.network.user(id));
            let item = match (&self.telling, user) {
                (Telling::Online, Some(user)) => user.source(),
                (Telling::Online, None) | (Telling::Offline, Some(_)) => Vec::new(),
                (Telling::Offline, None) | (Telling::List, _) => nick.to_vec(),
            };
            if !line.is_empty() && line.len() + 1 + item.len() > room {
                break;
            }
            self.at += 1;
            if !item.is_empty() {
                if !line.is_empty() {
                    line.push(b',');
                }
                line.extend_from_slice(&item);
            }
        }
        if !line.is_empty() {
            look.send(numeric, &[], Some(&line));
        }
        !line.is_empty()
    }
}
