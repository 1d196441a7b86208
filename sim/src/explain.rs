//! Says what is wrong with a line of a script, and what would be right.

use crate::{
    layer::Layer,
    script::Script,
    verbs::{VERBS, verb},
};

/// What is wrong with a line that was refused. `before`: what the lines before it say.
pub(crate) fn line(line: &str, before: &mut Script) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["parlance-sim", _] => "the only version is 1".into(),
        ["layer", _] => format!("the layers are {}", Layer::names()),
        ["seed", _] => format!("a seed is a number from 0 to {}", u64::MAX),
        ["clients", _] => "there are 1 to 1000 clients".into(),
        ["channels", _] => "there are 1 to 100 channels".into(),
        ["pieces", _] => "pieces are mixed, bytes or whole".into(),
        [time, client, name, ..] => step(time, client, name, before),
        [name, _] => head(name, before),
        _ => FORM.into(),
    }
}

const FORM: &str =
    "a line is a name and a value, or a step: its time in ms, a client, and what it does";

fn head(name: &str, before: &mut Script) -> String {
    let fields = before.bounds.fields();
    if let Some((name, _, within)) = fields.iter().find(|(known, ..)| *known == name) {
        return format!("{name} is a number from {} to {}", within.start(), within.end());
    }
    let names: Vec<&str> = fields.iter().map(|(name, ..)| *name).collect();
    let known = "parlance-sim, layer, seed, clients, channels, pieces";
    format!("nothing is called {name:?}; there is {known}, {}; and {FORM}", names.join(", "))
}

fn step(time: &str, client: &str, name: &str, before: &Script) -> String {
    if time.parse::<u64>().is_err() {
        return FORM.into();
    }
    let last = before.clients - 1;
    if client.parse::<u32>().map_or(true, |client| client > last) {
        return format!("there is no client {client:?}: they are 0 to {last}, as the head says");
    }
    let verb = verb(name);
    if verb.name != name {
        let names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
        return format!("nothing is called {name:?}; there is {}", names.join(", "));
    }
    let mut why = format!("it takes a time below a minute, and \"{name} {}\"", verb.takes);
    if verb.takes.is_empty() {
        why = "its time is not below a minute".into();
    }
    if verb.takes.contains("CHANNEL") {
        why += &format!("; channels are 0 to {}", before.channels - 1);
    }
    if verb.takes.contains("CLIENT") {
        why += &format!("; clients are 0 to {last}");
    }
    why
}

#[cfg(test)]
mod tests {
    use crate::Script;

    #[test]
    fn what_is_wrong_is_said_and_what_would_be_right() {
        for (line, words) in [
            ("clouds 7", &["\"clouds\"", "window", "seed"][..]),
            ("window 0", &["window is a number from 1 to"]),
            ("layer cloud", &["memory"]),
            ("clients 0", &["1 to 1000"]),
            ("hello", &["a name and a value"]),
            ("5 9 connect", &["client \"9\"", "0 to 1"]),
            ("5 0 dance", &["\"dance\"", "connect", "stall-up"]),
            ("5 0 join 8", &["join CHANNEL", "channels are 0 to 0"]),
            ("5 0 tell 0", &["tell CLIENT LETTERS", "clients are 0 to 1"]),
            ("99999 0 connect", &["minute"]),
        ] {
            let bad = format!("clients 2\n{line}\n").parse::<Script>().expect_err(line);
            assert_eq!(bad.line, 2);
            for word in words {
                assert!(bad.why.contains(word), "{line}, {word:?} is missing: {bad}");
            }
        }
    }
}
