//! What clients do: which deeds there are, and how often each is drawn.

use crate::{bounds::Bounds, choices::Choices, profile::Profile, script::Action};

/// The letters of modes that clients change.
pub(crate) const MODES: [char; 10] = ['o', 'v', 'b', 'k', 'l', 'i', 'm', 'n', 's', 't'];

/// What the clients of a run are like.
pub(crate) struct Deeds {
    clients: u32,
    /// Some of what they say is long.
    long: bool,
    /// They decide over each other. Where they do not, more is certain from outside.
    politics: bool,
    /// Percent of deeds that are many lines at once.
    flood_percent: u32,
    /// The server limits lines a second.
    limited: bool,
}

impl Deeds {
    pub(crate) fn of(
        shape: &mut dyn Choices,
        clients: u32,
        profile: &Profile,
        bounds: &Bounds,
    ) -> Self {
        Self {
            clients,
            long: shape.chance(30),
            politics: shape.chance(profile.politics_percent),
            flood_percent: profile.flood_percent,
            limited: bounds.lines_per_second > 0,
        }
    }

    /// The next one, in this channel if in any.
    pub(crate) fn draw(&self, choices: &mut dyn Choices, channel: u32) -> Action {
        if choices.chance(self.flood_percent) {
            return self.draw_flood(choices, channel);
        }
        let len = choices.below(if self.long { 380 } else { 40 }) as u32;
        if choices.chance(if self.politics { 35 } else { 8 }) {
            return self.draw_rarer(choices, channel);
        }
        match choices.below(100) {
            0..10 => Action::Join(channel),
            10..14 => Action::Part(channel),
            14..18 => Action::Connect,
            18..19 => Action::Quit,
            19..23 => Action::Rename,
            23..35 => Action::Ping,
            35..45 => Action::Tell(choices.below(self.clients.into()) as u32, len),
            _ => Action::Say(channel, len),
        }
    }

    /// Lines at once; without a limit of them now and then more than one turn carries out.
    fn draw_flood(&self, choices: &mut dyn Choices, channel: u32) -> Action {
        let lines = match choices.below(10) {
            0 if !self.limited => choices.between(200, 600),
            _ => choices.between(5, 80),
        };
        Action::Flood(channel, lines as u32)
    }

    /// What asks, and in some runs what decides over others.
    fn draw_rarer(&self, choices: &mut dyn Choices, channel: u32) -> Action {
        let other = choices.below(self.clients.into()) as u32;
        if choices.chance(35) {
            return draw_look(choices, channel, other);
        }
        match choices.below(if self.politics { 100 } else { 30 }) {
            0..8 => Action::Names(channel),
            8..14 => Action::Away(choices.below(2) as u32 * 12),
            14..20 => Action::AskTopic(channel),
            20..25 => Action::AskMode(channel),
            25..30 => Action::Topic(channel, choices.below(3) as u32 * 20),
            30..42 => Action::Kick(channel, other),
            42..50 => Action::Invite(channel, other),
            _ => {
                let letter = match choices.below(MODES.len() as u64 + 2) as usize {
                    at if at < MODES.len() => MODES[at],
                    // The more is hidden, the more may come out.
                    _ => 's',
                };
                // Mostly as it was, or nobody would be let in after a while.
                let often = matches!(letter, 'o' | 'v' | 'n' | 's' | 't');
                let add = choices.chance(if often { 75 } else { 40 });
                Action::Mode(channel, add, letter, other)
            }
        }
    }
}

/// What looks around, and what hides from such looks.
fn draw_look(choices: &mut dyn Choices, channel: u32, other: u32) -> Action {
    match choices.below(14) {
        0..2 => Action::Who(channel),
        2..4 => Action::WhoAll,
        4..6 => Action::Whois(other),
        6..8 => Action::List,
        8..10 => Action::Hide,
        10..13 => Action::History(channel),
        _ => Action::Show,
    }
}
