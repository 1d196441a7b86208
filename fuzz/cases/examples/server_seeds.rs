//! Writes the scripts of the simulator's first seeds as inputs of the target `server`.
//!
//! `cargo run --release -p fuzz-cases --example server_seeds -- FOLDER COUNT`

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1);
    let folder = PathBuf::from(args.next().ok_or("which folder?")?);
    fs::create_dir_all(&folder)?;
    let count = args.next().and_then(|count| count.to_str()?.parse().ok()).ok_or("how many?")?;
    for number in 0..count {
        fs::write(folder.join(format!("seed-{number}")), fuzz_cases::server::seed(number))?;
    }
    Ok(())
}
