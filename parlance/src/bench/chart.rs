//! A plot of one figure: a bar for each server, as SVG that can be read on light and on dark.

use std::fmt::Write as _;

use super::{report::median, table::Table};

/// The first column of a table; nothing if nobody has it.
pub(super) fn svg(table: &Table) -> Option<String> {
    let kind = *table.columns.first()?;
    let bars: Vec<Bar<'_>> = table
        .servers
        .iter()
        .filter_map(|report| {
            let value = report.median(kind)?;
            let base = table.base()?;
            let ratio = median(report.ratios(base, kind)).filter(|_| base.name != report.name);
            let ratio = ratio.map(|ratio| format!("  {ratio:.2}×")).unwrap_or_default();
            let label = format!("{} {}{ratio}", kind.show(value), kind.unit);
            Some(Bar { name: &report.name, value, label })
        })
        .collect();
    let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    (longest > 0.0).then(|| draw(&kind.heading(), &bars, longest))
}

struct Bar<'a> {
    name: &'a str,
    value: f64,
    label: String,
}

fn draw(heading: &str, bars: &[Bar<'_>], longest: f64) -> String {
    let height = TOP + ROW * bars.len() + ROW / 4;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"14\" fill=\"{TEXT}\" role=\"img\">\n\
         <title>{heading}</title>\n<text x=\"{LEFT}\" y=\"18\">{heading}</text>\n",
        heading = escaped(heading)
    );
    for (row, Bar { name, value, label }) in bars.iter().enumerate() {
        let y = TOP + ROW * row;
        let middle = y + ROW / 2 + 1;
        let width = ((value / longest).max(0.0) * SPAN as f64).max(1.0);
        let colour = match name.split(' ').next() {
            Some("floor") => FLOOR,
            Some("mio" | "tokio") => OURS,
            _ => OTHERS,
        };
        // A string takes all that is written to it.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{middle}\">{}</text>",
            LEFT - 8,
            escaped(name),
            y + 2,
            LEFT as f64 + width + 8.0,
            escaped(label)
        );
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// In px: the whole, what names take, what bars take at most (labels have the rest), and a row.
const WIDTH: usize = 760;
const LEFT: usize = 170;
const SPAN: usize = 400;
const TOP: usize = 28;
const ROW: usize = 28;
const BAR: usize = 20;

/// Each has a contrast of 4 or more to white and to black of a screen.
const TEXT: &str = "#76808c";
const FLOOR: &str = "#8a94a0";
const OURS: &str = "#2a8f6a";
const OTHERS: &str = "#c06a2b";

#[cfg(test)]
mod tests {
    use super::{
        super::report::{Report, Round, SERVER_NS},
        *,
    };

    fn server(name: &str, ns: Option<f64>) -> Report {
        let round = |ns| Round { figures: vec![(SERVER_NS, ns)], ..Round::default() };
        Report { name: name.into(), rounds: ns.map(round).into_iter().collect(), failed: None }
    }

    #[test]
    fn each_server_that_was_measured_has_a_bar_in_proportion() {
        let servers =
            vec![server("floor", Some(50.0)), server("a<b", Some(200.0)), server("c", None)];
        let svg =
            svg(&Table { title: String::new(), columns: &[SERVER_NS], servers }).expect("figures");
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("width=\"100.0\"") && svg.contains("width=\"400.0\""), "{svg}");
        assert!(svg.contains(">200.0 ns  4.00×<") && svg.contains(">a&lt;b<"), "{svg}");
    }

    #[test]
    fn nothing_measured_is_no_plot() {
        let servers = vec![server("floor", None)];
        assert_eq!(svg(&Table { title: String::new(), columns: &[SERVER_NS], servers }), None);
    }
}
