//! Scenarios: what a specification demands, as a transcript. The format is in `README.md`.

use std::{net::IpAddr, time::Duration};

use crate::pattern::Pattern;

/// One demand of a specification and the conversation that shows it.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// The file's name without `.txt`.
    pub file: String,
    pub section: String,
    pub title: String,
    /// The line of its title.
    pub line: usize,
    pub demand: String,
    pub config: Vec<(usize, String)>,
    pub users: Vec<User>,
    pub steps: Vec<(usize, Step)>,
    /// Why the demand is not met.
    pub unmet: Option<String>,
}

/// Who is registered before the conversation begins.
#[derive(Debug)]
pub(crate) struct User {
    pub name: String,
    pub address: Option<IpAddr>,
    pub caps: String,
}

#[derive(Debug)]
pub(crate) enum Step {
    Act(Act),
    /// A client is sent a line like this.
    Line(String, Pattern, String),
    /// A client is sent any number of lines, up to the next that is listed for it.
    Some(String),
    /// A client's connection ends.
    Closed(String),
    /// What came so far is not looked at.
    Drop,
    /// What really came is to be put here.
    Fill,
}

#[derive(Debug)]
pub(crate) enum Act {
    /// The second is whether CR LF follows.
    Send(String, Pattern, bool),
    Open(String, Option<IpAddr>),
    Wait(Duration),
    Eof(String),
    Reset(String),
    Answer(bool),
    Stall(String),
    Unstall(String),
    Reload(String),
}

/// A file that can't be read: the line and why.
pub(crate) type Bad = (usize, String);

/// Reads all scenarios of a file.
pub(crate) fn parse(file: &str, text: &str) -> Result<Vec<Scenario>, Bad> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut section = None;
    for (at, line) in text.lines().enumerate() {
        let (number, line) = (at + 1, line.trim_end());
        let bad = |why: &str| Err((number, why.to_owned()));
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if let Some(name) = line.strip_prefix("# ") {
            section = Some(name.trim().to_owned());
        } else if let Some(title) = line.strip_prefix("== ") {
            let Some(section) = &section else {
                return bad("a scenario needs a section above it: `# specification: section`");
            };
            let title = title.trim().to_owned();
            if scenarios.iter().any(|other| other.section == *section && other.title == title) {
                return bad("this section has a scenario of that title");
            }
            scenarios.push(Scenario {
                file: file.into(),
                section: section.clone(),
                title,
                line: number,
                demand: String::new(),
                config: Vec::new(),
                users: Vec::new(),
                steps: Vec::new(),
                unmet: None,
            });
        } else if let Some(scenario) = scenarios.last_mut() {
            take_line(scenario, number, line).map_err(|why| (number, why))?;
        } else {
            return bad("the first scenario begins with `== title`");
        }
    }
    for scenario in &scenarios {
        let line = scenario.line;
        if scenario.demand.is_empty() {
            return Err((line, "the scenario has no `demand:`".into()));
        }
        if scenario.unmet.is_none() && scenario.steps.is_empty() {
            return Err((line, "nothing happens in this scenario".into()));
        }
    }
    Ok(scenarios)
}

fn take_line(scenario: &mut Scenario, number: usize, line: &str) -> Result<(), String> {
    if let Some((key, value)) = line.split_once(": ").filter(|(key, _)| !key.contains([' ', '>'])) {
        let value = value.trim();
        let early = scenario.steps.is_empty();
        match key {
            "demand" => scenario.demand = value.into(),
            "unmet" => scenario.unmet = Some(value.into()),
            "config" if early && scenario.users.is_empty() => {
                scenario.config.push((number, value.into()));
            }
            "users" if early => {
                for user in split_users(value)? {
                    if scenario.users.iter().any(|other| other.name == user.name) {
                        return Err(format!("{} is there already", user.name));
                    }
                    scenario.users.push(user);
                }
            }
            "config" | "users" => {
                return Err("config comes first, then users, then what happens".into());
            }
            "open" => {
                let (name, address) = name_and_address(value)?;
                scenario.steps.push((number, Step::Act(Act::Open(name, address))));
            }
            "reload" => scenario.steps.push((number, Step::Act(Act::Reload(value.into())))),
            _ => return Err(format!("there is no `{key}:`")),
        }
        return Ok(());
    }
    scenario.steps.push((number, step(line)?));
    Ok(())
}

fn step(line: &str) -> Result<Step, String> {
    match line {
        "~" => return Ok(Step::Drop),
        "?" => return Ok(Step::Fill),
        _ => {}
    }
    if let Some(inside) = line.strip_prefix('(').and_then(|line| line.strip_suffix(')')) {
        return match inside.strip_suffix(" closed") {
            Some(name) => Ok(Step::Closed(client(name)?)),
            None => Err("in parentheses is `(name closed)` alone".into()),
        };
    }
    if let Some(end) = line.find(['>', '<', ' ']).filter(|end| !line[*end..].starts_with(' ')) {
        let name = client(&line[..end])?;
        let sends = line[end..].starts_with('>');
        let mut text = &line[end + 1..];
        let mut ends = true;
        if let Some(rest) = text.strip_prefix('-').filter(|_| sends) {
            (text, ends) = (rest, false);
        }
        let text = match text.strip_prefix(' ') {
            Some(text) => text,
            None if text.is_empty() => text,
            None => return Err("a space belongs after `>`, `>-` and `<`".into()),
        };
        if !sends && text == "..." {
            return Ok(Step::Some(name));
        }
        let pattern = Pattern::parse(text);
        return Ok(if sends {
            Step::Act(Act::Send(name, pattern, ends))
        } else {
            Step::Line(name, pattern, text.into())
        });
    }
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    Ok(Step::Act(match verb {
        "wait" => Act::Wait(duration(rest).ok_or("a time is like 30s, 500ms or 2m")?),
        "eof" => Act::Eof(client(rest)?),
        "reset" => Act::Reset(client(rest)?),
        "stall" => Act::Stall(client(rest)?),
        "unstall" => Act::Unstall(client(rest)?),
        "answer" => match rest {
            "right" => Act::Answer(true),
            "wrong" => Act::Answer(false),
            _ => return Err("an answer is right or wrong".into()),
        },
        _ => return Err(format!("what is {line:?}?")),
    }))
}

/// `30s`, `500ms`, `2m`, `1h`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..at].parse().ok()?;
    let unit = match &text[at..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(unit)?))
}

fn client(name: &str) -> Result<String, String> {
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(format!("{name:?} is no client's name: letters, digits and `_`"));
    }
    Ok(name.into())
}

/// `alice` or `alice@198.51.100.7`.
fn name_and_address(text: &str) -> Result<(String, Option<IpAddr>), String> {
    match text.split_once('@') {
        None => Ok((client(text)?, None)),
        Some((name, address)) => match address.trim().parse() {
            Ok(address) => Ok((client(name)?, Some(address))),
            Err(_) => Err(format!("{address:?} is no address")),
        },
    }
}

/// `alice, bob@198.51.100.7 [echo-message server-time], carol`
fn split_users(text: &str) -> Result<Vec<User>, String> {
    text.split(',')
        .map(|user| {
            let (name, caps) = match user.split_once('[') {
                Some((name, caps)) => {
                    let end = caps.trim().strip_suffix(']').ok_or("there is no `]`")?;
                    (name, end.trim().to_owned())
                }
                None => (user, String::new()),
            };
            let (name, address) = name_and_address(name.trim())?;
            Ok(User { name, address, caps })
        })
        .collect()
}

/// What this file promises, as named tests.
pub(crate) fn tests() -> Vec<(&'static str, fn())> {
    fn bad(text: &str) -> (usize, String) {
        parse("file", text).expect_err(text)
    }
    const HEAD: &str = "# s\n== t\ndemand: d\n";
    vec![
        ("what is wrong in a file is told with its line", || {
            for (text, line, why) in [
                ("== t\ndemand: d\n", 1, "needs a section"),
                ("# s\nalice> x\n", 2, "begins with `== title`"),
                ("# s\n== t\nalice> x\n", 2, "no `demand:`"),
                ("# s\n== t\ndemand: d\n", 2, "nothing happens"),
                ("# s\n== t\ndemand: d\n~\n== t\n", 5, "has a scenario of that title"),
            ] {
                let (at, told) = bad(text);
                assert!(at == line && told.contains(why), "{text:?}: {at}: {told}");
            }
            for (line, why) in [
                ("wait long", "a time is like"),
                ("nonsense: x", "there is no `nonsense:`"),
                ("dance alice", "what is"),
                ("(alice gone)", "alone"),
                ("alice>x", "a space belongs"),
                ("al-ice> x", "no client's name"),
                ("users: a, a", "is there already"),
                ("users: a [x", "no `]`"),
                ("open: a@nowhere", "no address"),
                ("answer maybe", "right or wrong"),
                ("~\nusers: a", "config comes first"),
            ] {
                let (at, told) = bad(&format!("{HEAD}{line}\n"));
                assert!(at >= 4 && told.contains(why), "{line:?}: {at}: {told}");
            }
        }),
        ("a line of a scenario is what it looks like", || {
            let text = format!("{HEAD}a> x: y\na< z: 1\n(a closed)\n~\n?\na< ...\nwait 2m\n");
            let found = parse("file", &text).expect("it can be read");
            let steps = &found[0].steps;
            assert_eq!(steps.len(), 7);
            assert!(matches!(&steps[0].1, Step::Act(Act::Send(name, _, true)) if name == "a"));
            assert!(
                matches!(&steps[1].1, Step::Line(name, _, text) if name == "a" && text == "z: 1")
            );
            assert!(matches!(steps[5], (9, Step::Some(_))));
            assert!(matches!(steps[6].1, Step::Act(Act::Wait(time)) if time.as_secs() == 120));
        }),
    ]
}
