//! The words that steps are made of: commands, capabilities, nicks, parameters.

use std::sync::LazyLock;

use chat_core::Config;

use crate::stage::PEERS;

/// What a user says on arrival, who asks for these capabilities; the last bit is one that there is none of.
pub(crate) fn arrival(nick: &str, caps: u64) -> String {
    let asked = |(bit, _): &(usize, &String)| caps >> bit & 1 == 1;
    let names = CAPS.iter().enumerate().filter(asked).map(|(_, name)| &**name);
    let mut lines = String::from("PASS x\r\n");
    for name in names.chain((caps >> 63 == 1).then_some("unknown")) {
        lines += &format!("CAP REQ {name}\r\n");
    }
    lines + &format!("CAP END\r\nNICK {nick}\r\nUSER {nick} 0 * :x\r\n")
}

/// A command with up to three words; the last is a trailing parameter.
pub(crate) fn line(command: u8, [a, b, c]: [u8; 3]) -> String {
    let word = |number: u8| WORDS[usize::from(number) % WORDS.len()];
    let command = &COMMANDS[usize::from(command) % COMMANDS.len()];
    format!("{command} {} {} :{}\r\n", word(a), word(b), word(c))
        .replace("  ", " ")
        .replace(" :\r", "\r")
}

/// Batches of lines have these references.
pub(crate) const TAGS: &[&str] =
    &["", "@label=l;+x=y ", "@batch=1 ", "@batch=1;draft/multiline-concat ", "@label=l;+reply=0 "];

pub(crate) const NICKS: [&str; PEERS] =
    ["alice", "bob", "carol", "dave", "ALICE", "a[b", "A{b", "x"];

/// All capabilities, from the server's own table.
static CAPS: LazyLock<Vec<String>> = LazyLock::new(|| table("Capabilities", &[]));

/// All commands, from the server's own table, and two that it does not know.
static COMMANDS: LazyLock<Vec<String>> = LazyLock::new(|| table("Commands", &["GET", "NOSUCH"]));

/// The names in a table of the reference, and more.
pub(crate) fn table(title: &str, more: &[&str]) -> Vec<String> {
    let reference = chat_core::reference(&Config::default());
    let rest = reference.split(&format!("## {title}\n")).nth(1).unwrap_or_default();
    let rows = rest.split("\n## ").next().unwrap_or_default().lines();
    let names = rows.filter_map(|row| row.strip_prefix("| `")?.split([' ', '=', '`']).next());
    names.chain(more.iter().copied()).map(Into::into).collect()
}

const WORDS: &[&str] = &[
    "",
    "alice",
    "bob",
    "carol",
    "a[b",
    "A{B",
    "#a",
    "#A",
    "#b,#a,#c,#d",
    "#lobby",
    "@#a",
    "+#a",
    "0",
    "*",
    "root",
    "password",
    "+o",
    "-o",
    "+v",
    "+b",
    "-b",
    "+b-i",
    "+ovk",
    "+k",
    "-k",
    "+l",
    "-l",
    "+imnst",
    "-imnst",
    "+iowB",
    "-x",
    "+x",
    "+",
    "-",
    "S",
    "%tcuihsnfdlaor,1",
    ">1,C<1,!*a",
    "-o+w",
    "*!*@*",
    "a*!?@x",
    "LS",
    "302",
    "REQ",
    "END",
    "LIST",
    "message-tags batch labeled-response",
    "-batch",
    "1",
    "2h",
    "192.0.2.0/24",
    "LATEST",
    "BEFORE",
    "AROUND",
    "BETWEEN",
    "TARGETS",
    "timestamp=2024-01-01T00:00:00.000Z",
    "msgid=0000000000000",
    "+1",
    "-1",
    "draft/multiline",
    "draft/multiline #a",
    "+",
    "C",
    "S",
    "SET",
    "GET",
    "SUB",
    "SYNC",
    "CLEAR",
    "avatar",
    "%tcuihsnfdlaor,7",
    ">0,!#b,C<9",
    "k",
    "alice,bob,#a",
    "hello, all of you",
    "\u{1}ACTION waves\u{1}",
    "ñandú",
    "a text that is long enough to fill a queue soon: 0123456789 0123456789 0123456789 0123456789 \
     0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789",
];
