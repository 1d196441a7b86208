//! Nothing is offered that does not work, and nothing works that is not told of: the tables, what the
//! server says of itself, and the conformance scenarios name the same things.

mod support;

use std::{collections::BTreeSet, fs, path::Path};

use chat_core::{Config, reference, wire::numeric};
use support::{Stage, config};

type Names = BTreeSet<String>;

/// The first word of each row of a table of the reference, without its value.
fn table(config: &Config, title: &str) -> Names {
    let text = reference(config);
    let (_, rest) = text.split_once(&format!("## {title}\n")).expect("there is such a table");
    let rows = rest.split("\n## ").next().unwrap_or_default().lines();
    let first = rows.filter_map(|row| row.strip_prefix("| `")?.split(['`', ' ', '=']).next());
    first.map(str::to_owned).collect()
}

/// All lines of all scenarios.
fn scenarios() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let files = fs::read_dir(folder).expect("the scenarios are there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let texts = paths.filter(|path| path.extension().is_some_and(|end| end == "txt"));
    let texts = texts.map(|path| fs::read_to_string(path).expect("it can be read"));
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What clients send in scenarios: the lines without their tags.
fn sent(lines: &[String]) -> impl Iterator<Item = &str> {
    lines.iter().filter_map(|line| {
        let (name, text) = line.split_once("> ").or_else(|| line.split_once(">- "))?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        let text = text
            .strip_prefix('@')
            .map_or(Some(text), |tagged| tagged.split_once(' ').map(|(_, rest)| rest.trim_start()));
        text.filter(|_| is_name)
    })
}

fn missing(of: &Names, in_these: &Names) -> Vec<String> {
    of.difference(in_these).cloned().collect()
}

/// What a client is told by these lines.
fn heard(config: Config, lines: &str) -> Vec<String> {
    let mut stage = Stage::new(config);
    stage.open("x");
    stage.send("x", lines);
    stage.heard("x").into_iter().map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_scenario() {
    let lines = scenarios();
    let used: Names = sent(&lines)
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_ascii_uppercase)
        .collect();
    assert_eq!(missing(&table(&config(), "Commands"), &used), Vec::<String>::new());
}

#[test]
fn every_capability_has_a_scenario() {
    let lines = scenarios();
    let in_use = lines.iter().filter(|line| line.starts_with("users:") || line.contains("CAP "));
    let words = in_use.flat_map(|line| line.split([' ', '[', ']', ':', ',']));
    let used: Names = words.map(str::to_owned).collect();
    assert_eq!(missing(&table(&config(), "Capabilities"), &used), Vec::<String>::new());
}

#[test]
fn every_token_of_isupport_has_a_scenario() {
    let lines = scenarios();
    let told = lines.iter().filter(|line| line.contains(" 005 "));
    let words =
        told.flat_map(|line| line.split([' ', '}', '='])).map(|word| word.trim_matches('-'));
    let used: Names = words.map(str::to_owned).collect();
    assert_eq!(missing(&table(&config(), "ISUPPORT"), &used), Vec::<String>::new());
}

#[test]
fn every_channel_and_user_mode_has_a_scenario() {
    let lines = scenarios();
    let modes = |of_channel: bool| -> Names {
        let changes = sent(&lines).filter_map(|line| line.strip_prefix("MODE "));
        let changes = changes.filter_map(|rest| rest.split_once(' '));
        let letters = changes.filter(|(target, _)| target.starts_with('#') == of_channel);
        let letters = letters.flat_map(|(_, change)| change.split(' ').next());
        letters.flat_map(|change| change.chars().map(String::from)).collect()
    };
    let of_table = |title: &str| -> Names {
        table(&config(), title).iter().map(|mode| mode.trim_start_matches('+').to_owned()).collect()
    };
    assert_eq!(missing(&of_table("Channel modes"), &modes(true)), Vec::<String>::new());
    assert_eq!(missing(&of_table("User modes"), &modes(false)), Vec::<String>::new());
}

#[test]
fn every_numeric_of_a_scenario_is_in_the_table() {
    for line in scenarios() {
        let code = line.split_once("< ").and_then(|(_, text)| {
            let mut words = text.split(' ').skip_while(|word| word.starts_with('@'));
            words.next().filter(|source| source.starts_with(':')).and_then(|_| words.next())
        });
        if let Some(code) = code.and_then(|code| code.parse().ok()) {
            assert!(numeric::Numeric::from_code(code).is_some(), "{line}");
        }
    }
}

#[test]
fn cap_ls_offers_what_the_table_has() {
    for version in ["CAP LS", "CAP LS 302"] {
        let lines = heard(config(), version);
        let lists = lines.iter().filter_map(|line| Some(line.split_once(" LS ")?.1));
        let items =
            lists.flat_map(|list| list.trim_start_matches("* ").trim_matches(':').split(' '));
        let names: Names = items
            .filter_map(|item| item.split('=').next())
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect();
        assert_eq!(names, table(&config(), "Capabilities"), "{version}");
    }
}

#[test]
fn isupport_tells_what_the_table_has() {
    let lines = heard(config(), "NICK x\nUSER x 0 * :x");
    let lines = lines.iter().filter_map(|line| line.strip_prefix(":irc.test 005 x "));
    let words = lines.filter_map(|line| line.strip_suffix(" :are supported by this server"));
    let names: Names = words
        .flat_map(|line| line.split(' '))
        .filter_map(|token| token.split('=').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(names, table(&config(), "ISUPPORT"));
}

#[test]
fn every_command_is_understood_and_no_other() {
    let mut config = config();
    config.limits.registration = std::time::Duration::from_secs(1_000);
    let mut commands = table(&config, "Commands");
    let unknown = |config: &Config, command: &str| {
        let lines = heard(config.clone(), &format!("NICK x\nUSER x 0 * :x\n{command}"));
        lines.iter().any(|line| line.starts_with(":irc.test 421 "))
    };
    for command in &commands {
        assert!(!unknown(&config, command), "{command}");
    }
    for command in ["CONNECT", "SQUIT", "RESTART", "DIE", "SERVER", "TRACE", "SERVLIST", "SQUERY"] {
        commands.insert(command.into());
        assert!(unknown(&config, command), "{command}");
    }
}
