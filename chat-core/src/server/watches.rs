//! Who watches which nick: an index by nick, so that a change costs those alone who watch that one.
//!
//! It is the connections' own: nobody else can tell that a nick is watched.

use alloc::{boxed::Box, collections::BTreeSet};

use hashbrown::HashTable;

use super::links::Links;
use crate::{io::ConnId, keyed::HashKey, wire::CaseMapping};

/// Connections by the nick that they watch.
pub(crate) struct Watches {
    key: HashKey,
    casemapping: CaseMapping,
    nicks: HashTable<Watched>,
}

/// One nick and those who watch it: at least one.
struct Watched {
    nick: Box<[u8]>,
    by: BTreeSet<ConnId>,
}

impl Watches {
    pub(crate) const fn new(key: HashKey, casemapping: CaseMapping) -> Self {
        Self { key, casemapping, nicks: HashTable::new() }
    }

    pub(crate) const fn casemapping(&self) -> CaseMapping {
        self.casemapping
    }

    /// Adds a connection to those who watch a nick; whether it was none of them.
    pub(crate) fn insert(&mut self, nick: &[u8], conn: ConnId) -> bool {
        let (key, casemapping) = (self.key, self.casemapping);
        let entry = self.nicks.entry(
            key.of_name(casemapping, nick),
            |watched| casemapping.eq(&watched.nick, nick),
            |watched| key.of_name(casemapping, &watched.nick),
        );
        let entry = entry.or_insert_with(|| Watched { nick: nick.into(), by: BTreeSet::new() });
        entry.into_mut().by.insert(conn)
    }

    /// Takes a connection from those who watch a nick; whether it was one of them.
    pub(crate) fn remove(&mut self, nick: &[u8], conn: ConnId) -> bool {
        let hash = self.key.of_name(self.casemapping, nick);
        let same = |watched: &Watched| self.casemapping.eq(&watched.nick, nick);
        let Ok(mut entry) = self.nicks.find_entry(hash, same) else { return false };
        let watched = entry.get_mut();
        let was = watched.by.remove(&conn);
        if watched.by.is_empty() {
            entry.remove();
        }
        was
    }

    pub(crate) fn has(&self, nick: &[u8], conn: ConnId) -> bool {
        self.find(nick).is_some_and(|watched| watched.by.contains(&conn))
    }

    /// Those who watch a nick.
    pub(crate) fn of(&self, nick: &[u8]) -> impl Iterator<Item = ConnId> {
        self.find(nick).into_iter().flat_map(|watched| watched.by.iter().copied())
    }

    fn find(&self, nick: &[u8]) -> Option<&Watched> {
        let hash = self.key.of_name(self.casemapping, nick);
        self.nicks.find(hash, |watched| self.casemapping.eq(&watched.nick, nick))
    }
}

impl Links {
    /// Takes a nick into the list of those that a connection watches; whether it was not there.
    pub(crate) fn watch(&mut self, conn: ConnId, nick: &[u8]) -> bool {
        let new = self.watches.insert(nick, conn);
        if let (true, Some(link)) = (new, self.arena.get_mut(conn)) {
            link.interests_mut().watching.push(nick.into());
        }
        new
    }

    pub(crate) fn is_watching(&self, conn: ConnId, nick: &[u8]) -> bool {
        self.watches.has(nick, conn)
    }

    pub(crate) fn unwatch(&mut self, conn: ConnId, nick: &[u8]) {
        if !self.watches.remove(nick, conn) {
            return;
        }
        let casemapping = self.watches.casemapping();
        if let Some(interests) = self.arena.get_mut(conn).and_then(|link| link.interests.as_mut()) {
            interests.watching.retain(|other| !casemapping.eq(other, nick));
        }
    }

    pub(crate) fn unwatch_all(&mut self, conn: ConnId) {
        let Some(link) = self.arena.get_mut(conn) else { return };
        let Some(interests) = &mut link.interests else { return };
        for nick in core::mem::take(&mut interests.watching) {
            self.watches.remove(&nick, conn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nick_that_nobody_watches_takes_no_place() {
        let conn = |index| ConnId { index, generation: 0 };
        let mut watches = Watches::new(HashKey(1, 2), CaseMapping::Ascii);
        assert!(watches.insert(b"bob", conn(1)) && watches.insert(b"BOB", conn(2)));
        assert!(!watches.insert(b"Bob", conn(1)));
        assert!(watches.of(b"bOb").eq([conn(1), conn(2)]));
        assert!(watches.remove(b"bob", conn(1)) && !watches.remove(b"bob", conn(1)));
        assert!(!watches.has(b"bob", conn(1)) && watches.has(b"bob", conn(2)));
        assert!(watches.remove(b"bob", conn(2)));
        assert_eq!(watches.nicks.len(), 0);
    }
}
