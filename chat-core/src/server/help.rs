//! What HELP says: made from the tables of commands, capabilities, modes and ISUPPORT.

use alloc::{format, string::String, vec, vec::Vec};

use super::{
    command::{COMMANDS, Command, When},
    isupport,
    query::in_lines,
};
use crate::{
    Config, caps,
    network::{CHANNEL_MODES, USER_MODES},
};

/// A topic's title and its lines.
pub(crate) struct Topic {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
}

/// What there is to say of a subject, in any case; of nothing, an index. `None`: nothing.
pub(crate) fn topic(config: &Config, subject: &[u8]) -> Option<Topic> {
    let wanted = subject.to_ascii_uppercase();
    if wanted.is_empty() {
        return Some(index());
    }
    if let Some(overview) = OVERVIEWS.iter().find(|row| row.name.as_bytes() == wanted) {
        return Some((overview.make)(config));
    }
    if let Ok(at) = COMMANDS.binary_search_by_key(&&wanted[..], |row| row.name) {
        return COMMANDS.get(at).map(command);
    }
    if let Some(row) = caps::offered(config).find(|row| row.name.eq_ignore_ascii_case(subject)) {
        let name = String::from_utf8_lossy(row.name);
        return Some(Topic {
            title: format!("** The capability {name} **"),
            lines: vec![row.about.into()],
        });
    }
    let token =
        isupport::TOKENS.iter().find(|row| row.name.as_bytes().eq_ignore_ascii_case(subject))?;
    let shown = token.text(config).unwrap_or_else(|| token.name.into());
    Some(Topic {
        title: format!("** The ISUPPORT token {} **", token.name),
        lines: vec![shown, token.about.into()],
    })
}

/// A topic that lists one of the tables.
struct Overview {
    name: &'static str,
    about: &'static str,
    make: fn(&Config) -> Topic,
}

/// All of them, as the index lists them.
const OVERVIEWS: &[Overview] = &[
    Overview { name: "COMMANDS", about: "All commands, by name.", make: commands },
    Overview { name: "CAPABILITIES", about: "What CAP REQ can ask for.", make: capabilities },
    Overview { name: "CMODES", about: "Modes of channels.", make: channel_modes },
    Overview { name: "ISUPPORT", about: "What the server says of itself in 005.", make: tokens },
    Overview { name: "UMODES", about: "Modes of users.", make: user_modes },
];

/// Bytes of a line of names.
const WIDTH: usize = 72;

fn index() -> Topic {
    let mut lines = vec![
        "HELP and a topic tells of it, in any case. A topic is a command, a capability, a token"
            .into(),
        "of ISUPPORT, or one of these:".into(),
    ];
    lines.extend(OVERVIEWS.iter().map(|row| format!("{:<13} {}", row.name, row.about)));
    lines.push("The commands:".into());
    let names = in_lines(COMMANDS.iter().map(|row| row.name), b' ', WIDTH);
    lines.extend(names.iter().map(|line| String::from_utf8_lossy(line).into_owned()));
    Topic { title: "** Help **".into(), lines }
}

fn command(row: &Command) -> Topic {
    let name = String::from_utf8_lossy(row.name);
    let usage = format!("{name} {}", row.usage);
    Topic {
        title: format!("** The command {name} **"),
        lines: vec![
            format!("Usage: {}", usage.trim_end()),
            row.about.into(),
            format!("For {}.", row.when.as_str()),
        ],
    }
}

fn commands(_: &Config) -> Topic {
    let lines = COMMANDS.iter().map(|row| {
        let name = String::from_utf8_lossy(row.name);
        let only = if row.when == When::Operator { " (operators)" } else { "" };
        format!("{name:<12} {}{only}", row.about)
    });
    Topic { title: "** Commands **".into(), lines: lines.collect() }
}

fn capabilities(config: &Config) -> Topic {
    let lines = caps::offered(config).map(|row| {
        let name = String::from_utf8_lossy(row.name);
        match row.value.map(|value| value(config)) {
            Some(value) => format!("{name}={value} {}", row.about),
            None => format!("{name} {}", row.about),
        }
    });
    Topic { title: "** Capabilities **".into(), lines: lines.collect() }
}

fn tokens(config: &Config) -> Topic {
    let rows = isupport::TOKENS.iter();
    let lines = rows.filter_map(|row| Some(format!("{} {}", row.text(config)?, row.about)));
    Topic { title: "** ISUPPORT **".into(), lines: lines.collect() }
}

fn channel_modes(_: &Config) -> Topic {
    let lines = CHANNEL_MODES.iter().map(|mode| {
        let param = mode.kind.param();
        let space = if param.is_empty() { "" } else { " " };
        format!("+{}{space}{param}: {}", char::from(mode.letter), mode.about)
    });
    Topic { title: "** Modes of channels **".into(), lines: lines.collect() }
}

fn user_modes(_: &Config) -> Topic {
    let lines = USER_MODES.iter();
    let lines = lines.map(|mode| format!("+{}: {}", char::from(mode.letter), mode.about));
    Topic { title: "** Modes of users **".into(), lines: lines.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_every_table_has_its_topic() {
        let config = Config::default();
        let commands = COMMANDS.iter().map(|row| row.name);
        let capabilities = caps::offered(&config).map(|row| row.name);
        let tokens = isupport::TOKENS.iter().map(|row| row.name.as_bytes());
        for name in commands.chain(capabilities).chain(tokens) {
            let topic = topic(&config, &name.to_ascii_lowercase()).expect("there is help");
            assert!(topic.title.len() <= 80 && !topic.lines.is_empty());
            assert!(topic.lines.iter().all(|line| !line.is_empty() && line.len() <= 350));
        }
    }

    #[test]
    fn the_index_leads_to_every_overview_and_command() {
        let index = topic(&Config::default(), b"").expect("there is an index").lines.join("\n");
        for row in OVERVIEWS {
            assert!(index.contains(row.name));
        }
        for row in COMMANDS {
            assert!(index.contains(core::str::from_utf8(row.name).expect("names are ASCII")));
        }
    }
}
