//! PROTOCOL.md says what the tables say.

use chat_core::{Config, reference};

const HEAD: &str = "# What Parlance speaks\n\n\
    Made from the tables that the server works by, with the default configuration; \
    `UPDATE=1 cargo test -p chat-core --test reference` writes it anew.\n\n";

#[test]
fn protocol_md_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../PROTOCOL.md");
    let expected = HEAD.to_owned() + &reference(&Config::default());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &expected).expect("the file can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "PROTOCOL.md is stale: UPDATE=1 cargo test --test reference");
}
