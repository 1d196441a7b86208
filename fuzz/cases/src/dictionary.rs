//! The dictionary for libFuzzer, `fuzz/dict.txt`: the words of the core's tables, and others by hand.

use std::{fs, path::Path};

use chat_core::wire::numeric;

use crate::words::table;

/// `UPDATE=1 cargo test -p fuzz-cases dictionary` writes the file anew.
#[test]
fn the_dictionary_has_the_words_of_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dict.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, dictionary()).expect("the dictionary can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == dictionary(), "fuzz/dict.txt is stale: run with UPDATE=1");
}

fn dictionary() -> String {
    let commands = table("Commands", &[]).into_iter().map(|name| name + " ");
    let modes = table("Channel modes", &[]).into_iter().chain(table("User modes", &[]));
    let modes = modes.map(|mode| format!("+{}", mode.trim_start_matches('+')));
    let numerics = numeric::ALL.iter().map(|numeric| format!(" {:03} ", numeric.code()));
    let keys = parlance::CONFIG_EXAMPLE.lines().filter_map(|line| line.split_once(" = "));
    let keys = keys.map(|(key, _)| format!("\\x0a{} = ", key.trim_start_matches('#')));
    let mut words: Vec<String> = commands
        .chain(table("Capabilities", &[]))
        .chain(table("ISUPPORT", &[]))
        .chain(modes)
        .chain(numerics)
        .chain(keys)
        .chain(PHRASES.lines().map(Into::into))
        .collect();
    words.sort();
    words.dedup();
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"\n")).collect();
    format!(
        "# Words of the protocol, for libFuzzer's -dict. Made by cases/src/dictionary.rs.\n{}",
        words.concat()
    )
}

/// What no table has, in the form that libFuzzer reads.
const PHRASES: &str = r#"CAP LS 302
CAP REQ :
CAP END
CAP LIST
CHATHISTORY LATEST #a * 9
CHATHISTORY BETWEEN #a 
CHATHISTORY TARGETS 
timestamp=2023-11-14T22:13:20.000Z
msgid=
JOIN 0
MARKREAD #a 
MONITOR + 
MONITOR - 
MONITOR C
MONITOR L
MONITOR S
REDACT #a 
RENAME #a #b
%tcuihsnfdlaor,1
C<1
!*a
>1
ERROR :
BATCH +1 draft/multiline #a
BATCH -1
@batch=1 PRIVMSG #a :
draft/multiline-concat
ACK
@label=
@+draft/x=y 
@time=
;
\\:
\\s
\\\\
 :
 
#a
#b
&a
a!b@c
*!*@*
nick!*@*
\\*
@#a
+#a
-o
-b
+mnst
-k
*
,
0
alice
bob
GET / HTTP/1.1
\x0d\x0a
\x0a
\x00
\x0d
{}|^
[]\\~
\xc3\xb1
\xff
KLINE 1d2h *@host.example :r
DLINE 10.0.0.0/8 :r
WALLOPS :
STATS k"#;
