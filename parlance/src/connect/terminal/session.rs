//! What the editor must know of the client, kept by the client's thread.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chat_core::client::{Client, Event, Text};

use super::{super::shown::shown, JOINED};

/// What both threads see.
#[derive(Debug)]
pub(super) struct Session {
    state: Mutex<State>,
    changed: Condvar,
    host: String,
}

#[derive(Debug, Default)]
struct State {
    nick: String,
    /// The channel or user that text goes to.
    current: Option<Text>,
    channels: Vec<Text>,
    /// Who is in any of our channels.
    nicks: BTreeSet<String>,
    /// Channels that we are in again after a connection was lost do not become the current one.
    rejoining: bool,
    quitting: bool,
    /// How many times something happened that the prompt may show, or an answer came.
    changes: u64,
}

impl Session {
    pub(super) fn new(client: &Client, host: &str) -> Self {
        let state = State { nick: shown(client.nick()), ..State::default() };
        Self { state: Mutex::new(state), changed: Condvar::new(), host: host.to_owned() }
    }

    /// Keeps up with an event.
    pub(super) fn follow(&self, client: &Client, event: &Event) {
        let mut state = self.lock();
        let is_nick = |nick: &str| client.is_same(nick.as_bytes(), client.nick());
        match event {
            Event::Joined { channel, me: true, .. } => {
                if !state.rejoining || state.current.is_none() {
                    state.current = Some(channel.clone());
                }
            }
            Event::Joined { nick, .. } => drop(state.nicks.insert(shown(nick))),
            Event::Left { channel, me: true, .. } => {
                let is_current = |current: &Text| client.is_same(current, channel);
                if state.current.as_ref().is_some_and(is_current) {
                    state.current = client.channels().next().map(|channel| channel.name().clone());
                }
            }
            Event::Left { nick, .. } => {
                let is_them = |other: &Text| client.is_same(other, nick);
                let stays = client
                    .channels()
                    .any(|channel| channel.members().any(|member| is_them(&member.nick)));
                if !stays {
                    state.nicks.remove(&shown(nick));
                }
            }
            Event::Quit { nick, .. } => drop(state.nicks.remove(&shown(nick))),
            Event::NickChanged { old, new, me } => {
                if state.nicks.remove(&shown(old)) && !me {
                    state.nicks.insert(shown(new));
                }
            }
            Event::Names { members, .. } => {
                let nicks = members.iter().map(|member| shown(&member.nick));
                state.nicks.extend(nicks.filter(|nick| !is_nick(nick)));
            }
            Event::Pong { token } if *token == JOINED => state.rejoining = false,
            Event::Disconnected { .. } => {
                state.rejoining = true;
                state.nicks.clear();
            }
            Event::Reply { .. } if event.is_error_reply() => {}
            Event::Refused(_) => {}
            // Nothing that a prompt shows.
            _ => return,
        }
        state.nick = shown(client.nick());
        state.channels = client.channels().map(|channel| channel.name().clone()).collect();
        state.changes += 1;
        self.changed.notify_all();
    }

    pub(super) fn current(&self) -> Option<Text> {
        self.lock().current.clone()
    }

    /// Makes a channel that we are in, or a user, the current one.
    ///
    /// # Errors
    /// We are not in that channel.
    pub(super) fn switch(&self, target: Text) -> Result<(), String> {
        let mut state = self.lock();
        let known = state.channels.iter().find(|name| name.eq_ignore_ascii_case(&target)).cloned();
        if known.is_none() && target.starts_with(b"#") {
            let name = shown(&target);
            return Err(format!("you are not in {name}: type /join {name}"));
        }
        state.current = Some(known.unwrap_or(target));
        Ok(())
    }

    pub(super) fn quit(&self) {
        self.lock().quitting = true;
    }

    pub(super) fn is_quitting(&self) -> bool {
        self.lock().quitting
    }

    /// What the prompt shows, without its end, and where it says that text goes to.
    pub(super) fn prompt(&self) -> (String, Option<Text>) {
        let state = self.lock();
        let place = state.current.as_ref().map(|name| format!(" {}", shown(name)));
        let prompt = format!("[{}@{}{}]", state.nick, self.host, place.unwrap_or_default());
        (prompt, state.current.clone())
    }

    /// Channels and nicks that begin like this, whatever their case.
    pub(super) fn complete(&self, start: &str) -> Vec<String> {
        let state = self.lock();
        let channels = state.channels.iter().map(|name| shown(name));
        let all = channels.chain(state.nicks.iter().cloned());
        let start = start.to_lowercase();
        all.filter(|name| name.to_lowercase().starts_with(&start)).collect()
    }

    pub(super) fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// Waits until more happened than before, so that the prompt can show it.
    pub(super) fn wait_for_change(&self, before: u64, at_most: Duration) {
        // Longer than it should have taken is no error: the prompt shows what is known.
        let state = self.lock();
        drop(self.changed.wait_timeout_while(state, at_most, |state| state.changes == before));
    }

    /// Waits until the server has put us where it would.
    pub(super) fn wait_for_start(&self, at_most: Duration) {
        let state = self.lock();
        let is_open = |state: &mut State| state.current.is_none() && !state.rejoining;
        drop(self.changed.wait_timeout_while(state, at_most, is_open));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and what it guards is right after each statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
