//! Runs a range of seeds: `cargo run --release -p sim --example seeds -- quick 0 10000 1`, or tells one
//! run: `… -- quick 42`.

use std::time::Instant;

use sim::{Profile, Script, run_many, timeline};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let profile = args.first().and_then(|name| Profile::by_name(name)).ok_or("which profile?")?;
    let start: u64 = args.get(1).ok_or("which seed?")?.parse()?;
    let Some(end) = args.get(2) else {
        let (outcome, told) = timeline(&Script::generate(start, &profile), None);
        println!("{told}{outcome:#?}");
        return Ok(());
    };
    let jobs = args.get(3).map_or(Ok(1), |jobs| jobs.parse())?;
    let began = Instant::now();
    let summary = run_many(start..end.parse()?, &profile, jobs, |_| {});
    let rate = summary.runs as f64 / began.elapsed().as_secs_f64();
    for failure in &summary.failures {
        println!("{failure}");
    }
    println!("{} runs, {rate:.0} a second, {:#?}", summary.runs, summary.counters);
    if summary.failures.is_empty() { Ok(()) } else { Err("not all seeds hold".into()) }
}
