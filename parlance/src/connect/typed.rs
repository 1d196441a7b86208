//! What a line means that the user typed: one table of commands.

use std::fmt::Write as _;

use chat_core::client::{Command, Text};

use super::shown::shown;

/// What the user wants.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Typed {
    /// The client is to do this.
    Command(Command),
    /// Later lines go to this channel or user.
    Switch(Text),
    /// These lines are to be shown.
    Show(String),
    /// The line was empty.
    Nothing,
}

/// Takes a line apart; `current` is where text without a command goes.
///
/// # Errors
/// What is wrong with it and what to type instead.
pub(super) fn parse(line: &str, current: Option<&Text>) -> Result<Typed, String> {
    let line = line.trim_end();
    if line.is_empty() {
        return Ok(Typed::Nothing);
    }
    // A doubled slash says a text that begins with one.
    let text = match line.strip_prefix('/') {
        Some(rest) if rest.starts_with('/') => rest,
        Some(rest) => return command(rest, current),
        None => line,
    };
    let target = current.ok_or(NOWHERE)?.clone();
    Ok(Typed::Command(Command::Message { target, text: text.into() }))
}

/// Takes a line apart that was typed at a prompt for `place`, which may be another than `current` by
/// now: what was meant for the one is not done in the other.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_at(
    line: &str,
    place: Option<&Text>,
    current: Option<&Text>,
) -> Result<Typed, String> {
    let typed = parse(line, current);
    match (place, current) {
        (Some(place), Some(current)) if place != current && parse(line, place.into()) != typed => {
            let (place, current) = (shown(place), shown(current));
            Err(format!(
                "not done: this is {current} now, not {place}; type it again for {current}"
            ))
        }
        _ => typed,
    }
}

/// The names of all commands, with their slash, that begin with `start`.
pub(super) fn complete(start: &str) -> Vec<String> {
    let names = COMMANDS.iter().map(|entry| format!("/{}", entry.name));
    names.filter(|name| name.starts_with(start)).collect()
}

fn command(rest: &str, current: Option<&Text>) -> Result<Typed, String> {
    let (name, args) = rest.split_once(' ').unwrap_or((rest, ""));
    let name = name.to_ascii_lowercase();
    let Some(entry) = COMMANDS.iter().find(|entry| entry.name == name) else {
        return Err(format!(
            "there is no command /{name}: type /help to see all, or //{rest} to say this"
        ));
    };
    let args = Args { rest: args.trim(), current };
    (entry.parse)(args).map_err(|why| match why {
        Wrong::Usage => format!("type /{} {}: {}", entry.name, entry.args, entry.help),
        Wrong::Nowhere => NOWHERE.to_owned(),
    })
}

/// A command as the user types it.
struct Entry {
    name: &'static str,
    args: &'static str,
    help: &'static str,
    parse: fn(Args<'_>) -> Result<Typed, Wrong>,
}

const COMMANDS: &[Entry] = &[
    Entry { name: "away", args: "[reason]", help: "be away, or back", parse: away },
    Entry { name: "help", args: "", help: "show all commands", parse: help },
    Entry { name: "join", args: "#channel [key]", help: "join a channel", parse: join },
    Entry { name: "list", args: "[mask]", help: "show the channels", parse: list },
    Entry { name: "me", args: "text", help: "tell what you do", parse: me },
    Entry { name: "msg", args: "target text", help: "say something to one user", parse: msg },
    Entry { name: "names", args: "[#channel]", help: "show who is in a channel", parse: names },
    Entry { name: "nick", args: "name", help: "take another nick", parse: nick },
    Entry { name: "part", args: "[#channel] [reason]", help: "leave a channel", parse: part },
    Entry { name: "quit", args: "[reason]", help: "leave (so does ^D)", parse: quit },
    Entry { name: "quote", args: "line", help: "send a line of the protocol", parse: quote },
    Entry {
        name: "switch",
        args: "target",
        help: "talk to another channel or user",
        parse: switch,
    },
    Entry { name: "topic", args: "[#channel] [text]", help: "show or set the topic", parse: topic },
    Entry { name: "who", args: "[mask]", help: "show users", parse: who },
    Entry { name: "whois", args: "nick", help: "show what is known of a user", parse: whois },
];

const NOWHERE: &str = "you are in no channel: type /join #channel, or /msg nick text";

/// Why a command's arguments are wrong.
enum Wrong {
    Usage,
    Nowhere,
}

/// The arguments of a command, taken from the front.
struct Args<'a> {
    rest: &'a str,
    current: Option<&'a Text>,
}

impl<'a> Args<'a> {
    fn word(&mut self) -> Option<&'a str> {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    fn required_word(&mut self) -> Result<Text, Wrong> {
        self.word().map(Text::from).ok_or(Wrong::Usage)
    }

    fn text(self) -> Option<Text> {
        (!self.rest.is_empty()).then(|| self.rest.into())
    }

    fn required_text(self) -> Result<Text, Wrong> {
        self.text().ok_or(Wrong::Usage)
    }

    fn current(&self) -> Result<Text, Wrong> {
        self.current.cloned().ok_or(Wrong::Nowhere)
    }

    /// A channel, if one is named; else the current one.
    fn channel(&mut self) -> Result<Text, Wrong> {
        if self.rest.starts_with(['#', '&']) { self.required_word() } else { self.current() }
    }
}

fn away(args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Away { reason: args.text() }))
}

fn help(_: Args<'_>) -> Result<Typed, Wrong> {
    let mut text = String::new();
    for Entry { name, args, help, .. } in COMMANDS {
        let usage = format!("/{name} {args}");
        // Writing to a string does not fail.
        let _ = writeln!(text, "{usage:<28} {help}");
    }
    text += "Anything else is said in the channel that the prompt shows.";
    Ok(Typed::Show(text))
}

fn join(mut args: Args<'_>) -> Result<Typed, Wrong> {
    let channel = args.required_word()?;
    Ok(Typed::Command(Command::Join { channel, key: args.word().map(Text::from) }))
}

fn list(mut args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::List { mask: args.word().map(Text::from) }))
}

fn me(args: Args<'_>) -> Result<Typed, Wrong> {
    let target = args.current()?;
    Ok(Typed::Command(Command::Action { target, text: args.required_text()? }))
}

fn msg(mut args: Args<'_>) -> Result<Typed, Wrong> {
    let target = args.required_word()?;
    Ok(Typed::Command(Command::Message { target, text: args.required_text()? }))
}

fn names(mut args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Names { channel: args.channel()? }))
}

fn nick(mut args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Nick { nick: args.required_word()? }))
}

fn part(mut args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Part { channel: args.channel()?, reason: args.text() }))
}

fn quit(args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Quit { reason: args.text() }))
}

fn quote(args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Raw(args.required_text()?)))
}

fn switch(mut args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Switch(args.required_word()?))
}

fn topic(mut args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Topic { channel: args.channel()?, topic: args.text() }))
}

fn who(mut args: Args<'_>) -> Result<Typed, Wrong> {
    let mask = args.word().map_or_else(|| args.current(), |mask| Ok(mask.into()))?;
    Ok(Typed::Command(Command::Who { mask }))
}

fn whois(mut args: Args<'_>) -> Result<Typed, Wrong> {
    Ok(Typed::Command(Command::Whois { nick: args.required_word()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_for_one_channel_is_not_said_in_another() {
        let (old, new) = (Text::from("#old"), Text::from("#new"));
        for line in ["hello", "//hello", "/me waves", "/part", "/topic hello"] {
            let why = parse_at(line, Some(&old), Some(&new)).expect_err(line);
            assert!(why.contains("this is #new now, not #old"), "{why}");
            assert_eq!(parse_at(line, Some(&new), Some(&new)), parse(line, Some(&new)));
            assert_eq!(parse_at(line, None, Some(&new)), parse(line, Some(&new)));
            assert_eq!(parse_at(line, Some(&old), None), Err(NOWHERE.into()));
        }
        for line in ["/msg bob hello", "/join #rust", "/help", "/quit", "/nonsense"] {
            assert_eq!(parse_at(line, Some(&old), Some(&new)), parse(line, Some(&new)));
        }
    }

    fn typed(line: &str) -> Typed {
        parse(line, Some(&"#rust".into())).unwrap()
    }

    fn say(target: &str, text: &str) -> Typed {
        Typed::Command(Command::Message { target: target.into(), text: text.into() })
    }

    #[test]
    fn text_goes_where_the_user_is() {
        assert_eq!(typed("hello there "), say("#rust", "hello there"));
        assert_eq!(typed("//etc is a path"), say("#rust", "/etc is a path"));
        assert_eq!(typed("  "), Typed::Nothing);
        assert_eq!(parse("hello", None), Err(NOWHERE.into()));
        assert_eq!(parse("/me waves", None), Err(NOWHERE.into()));
    }

    #[test]
    fn commands_take_their_arguments() {
        assert_eq!(typed("/MSG  bob  hi  there"), say("bob", "hi  there"));
        let channel = Text::from("#rust");
        let part = |channel, reason: Option<&str>| {
            Typed::Command(Command::Part { channel, reason: reason.map(Text::from) })
        };
        assert_eq!(typed("/part"), part(channel.clone(), None));
        assert_eq!(typed("/part so long"), part(channel.clone(), Some("so long")));
        assert_eq!(typed("/part #a so long"), part("#a".into(), Some("so long")));
        assert_eq!(
            typed("/topic All of it"),
            Typed::Command(Command::Topic { channel, topic: Some("All of it".into()) })
        );
        assert_eq!(typed("/switch bob"), Typed::Switch("bob".into()));
    }

    #[test]
    fn mistakes_are_told_with_the_fix() {
        let wrong = |line: &str| parse(line, None).unwrap_err();
        assert_eq!(wrong("/join"), "type /join #channel [key]: join a channel");
        assert_eq!(
            wrong("/usr/bin is full"),
            "there is no command /usr/bin: type /help to see all, or //usr/bin is full to say this"
        );
    }

    #[test]
    fn names_are_sorted_and_complete() {
        assert!(COMMANDS.is_sorted_by_key(|entry| entry.name));
        assert_eq!(complete("/na"), ["/names"]);
        assert_eq!(complete("/").len(), COMMANDS.len());
        let Typed::Show(help) = typed("/help") else { panic!("no help") };
        assert!(COMMANDS.iter().all(|entry| help.contains(entry.help)));
    }
}
