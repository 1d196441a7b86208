//! Rows as a table, for a terminal and for `docs/hardening.md`.

use super::row::Row;

/// The table for people: a few lines for each row.
pub(super) fn text(rows: &[Row]) -> String {
    rows.iter().map(|row| cells(row).join("; ") + "\n").collect()
}

/// The table as Markdown.
pub(super) fn markdown(rows: &[Row]) -> String {
    let mut text = line(&HEADINGS.map(str::to_owned));
    text += &line(&HEADINGS.map(|_| "---".to_owned()));
    for row in rows {
        text += &line(&cells(row));
    }
    text
}

/// A document with `table` between its marks; `None` if it has none.
pub(super) fn replaced(document: &str, table: &str) -> Option<String> {
    let (head, rest) = document.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n\n{table}\n{END}{tail}"))
}

const BEGIN: &str = "<!-- table: begin -->";
const END: &str = "<!-- table: end -->";

const HEADINGS: [&str; 10] = [
    "attack",
    "runtime",
    "what the attacker got",
    "deliveries, lost",
    "order",
    "p99 quiet, attacked (µs)",
    "ratio",
    "memory before, peak, after; bound (MB)",
    "descriptors before, peak, after",
    "verdict",
];

fn cells(row: &Row) -> [String; 10] {
    let name = [row.attack.to_owned(), row.runtime.clone()];
    let rest = match &row.skipped {
        Some(why) => {
            let mut rest = [""; 8].map(str::to_owned);
            rest[7] = format!("skipped: {why}");
            rest
        }
        None => measured(row),
    };
    let mut cells = name.into_iter().chain(rest);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

fn measured(row: &Row) -> [String; 8] {
    let faults = &row.faults;
    let order = match faults.repeated + faults.overtaken + faults.stray {
        0 => "kept".to_owned(),
        broken => format!("{broken} faults"),
    };
    let (before, highest, after) = (row.before, row.highest, row.after);
    let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let verdict = if row.broken.is_empty() { "holds".to_owned() } else { row.broken.join(", ") };
    [
        row.got.clone(),
        format!("{}, {}", row.deliveries, faults.lost),
        order,
        format!("{}, {}", row.quiet_p99_us, row.attack_p99_us),
        format!("{:.1}", row.ratio()),
        format!(
            "{}, {}, {}; {}",
            mb(before.memory_bytes),
            mb(highest.memory_bytes),
            mb(after.memory_bytes),
            mb(row.bound_bytes)
        ),
        format!("{}, {}, {}", before.descriptors, highest.descriptors, after.descriptors),
        verdict,
    ]
}

fn line(cells: &[String; 10]) -> String {
    // A bar within a cell would begin another.
    let cells = cells.each_ref().map(|cell| cell.replace('|', "/"));
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::gauge::Held;

    fn row() -> Row {
        let held = |mb: u64, descriptors| Held { memory_bytes: mb * 1_000_000, descriptors };
        Row {
            attack: "tags",
            runtime: "mio".into(),
            got: "20 opened".into(),
            deliveries: 1000,
            quiet_p99_us: 200,
            attack_p99_us: 300,
            before: held(7, 110),
            highest: held(9, 130),
            after: held(7, 110),
            bound_bytes: 90_000_000,
            ..Row::default()
        }
    }

    #[test]
    fn a_row_holds_all_that_was_measured() {
        let table = markdown(&[row()]);
        assert_eq!(table.lines().count(), 3);
        assert!(table.ends_with(
            "| tags | mio | 20 opened | 1000, 0 | kept | 200, 300 | 1.5 | 7.0, 9.0, 7.0; 90.0 | 110, 130, 110 | holds |\n"
        ), "{table}");
    }

    #[test]
    fn a_broken_bound_and_a_skipped_attack_are_told() {
        let broken = Row { broken: vec!["1 lost".into()], ..row() };
        assert!(markdown(&[broken]).ends_with("| 1 lost |\n"));
        let skipped = Row { skipped: Some("no right".into()), ..row() };
        assert!(markdown(&[skipped]).ends_with("|  | skipped: no right |\n"));
    }

    #[test]
    fn a_document_keeps_what_stands_around_its_table() {
        let document = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = replaced(&document, "| new |\n").expect("it has marks");
        assert_eq!(new, format!("a\n{BEGIN}\n\n| new |\n\n{END}\nb\n"));
        assert_eq!(replaced("no marks", ""), None);
    }
}
