//! The reference of the protocol as it is spoken here, made from the tables that make it work.

use alloc::string::String;
use core::fmt::Write;

use super::{
    command::{COMMANDS, When},
    isupport,
};
use crate::{
    Config, caps,
    network::{CHANNEL_MODES, USER_MODES},
};

/// What a server with this configuration understands and offers, as Markdown: commands,
/// capabilities, user modes, ISUPPORT. It is made from the tables that the server itself works by.
#[must_use]
pub fn reference(config: &Config) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut out, config);
    out
}

fn write(out: &mut String, config: &Config) -> core::fmt::Result {
    out.push_str("## Commands\n\n| command | what it does | when |\n| --- | --- | --- |\n");
    for command in COMMANDS {
        let name = String::from_utf8_lossy(command.name);
        let space = if command.usage.is_empty() { "" } else { " " };
        let usage = command.usage.replace('|', "\\|");
        let when = match command.when {
            When::Always => "always",
            When::BeforeRegistration => "before registration",
            When::Registered => "once registered",
            When::Operator => "operators",
        };
        writeln!(out, "| `{name}{space}{usage}` | {} | {when} |", command.about)?;
    }
    out.push_str("\n## Capabilities\n\n| capability | what it does |\n| --- | --- |\n");
    for capability in caps::offered(config) {
        let name = String::from_utf8_lossy(capability.name);
        let value = capability.value.map(|value| value(config)).unwrap_or_default();
        let equals = if value.is_empty() { "" } else { "=" };
        writeln!(out, "| `{name}{equals}{value}` | {} |", capability.about)?;
    }
    out.push_str("\n## User modes\n\n| mode | what it does |\n| --- | --- |\n");
    for mode in USER_MODES {
        writeln!(out, "| `{}` | {} |", char::from(mode.letter), mode.about)?;
    }
    out.push_str("\n## Channel modes\n\n| mode | what it does |\n| --- | --- |\n");
    for mode in CHANNEL_MODES {
        let param = mode.kind.param();
        let space = if param.is_empty() { "" } else { " " };
        writeln!(out, "| `+{}{space}{param}` | {} |", char::from(mode.letter), mode.about)?;
    }
    out.push_str("\n## ISUPPORT\n\n| token | what it says |\n| --- | --- |\n");
    for token in isupport::TOKENS {
        if let Some(text) = token.text(config) {
            writeln!(out, "| `{text}` | {} |", token.about)?;
        }
    }
    Ok(())
}
