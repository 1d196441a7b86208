//! `parlance attack`: a short attack is made, and honest clients lose nothing.

use std::process::Command;

#[test]
fn honest_clients_lose_nothing_while_others_storm_the_door() {
    for runtime in ["mio", "tokio"] {
        let output = Command::new(env!("CARGO_BIN_EXE_parlance"))
            .args(["attack", "accept-storm", "slow-registration", "--runtime", runtime])
            .args(["--phase-ms", "500", "--honest", "20", "--scale", "2", "--no-measures"])
            .output()
            .expect("the program runs");
        let table = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{table}{said}");
        assert_eq!(table.matches("; kept; ").count(), 2, "order is told: {table}");
        assert_eq!(table.matches("; holds").count(), 2, "and the verdict: {table}");
        assert!(table.contains("100 ended (Registration timed out)"), "{table}");
    }
}
