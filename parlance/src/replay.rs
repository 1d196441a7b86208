//! `parlance replay`: proves that a recorded run does the same again.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use chat_core::record::{Replay, Summary};
use clap::Args;

use crate::Failure;

/// Arguments of `parlance replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A file that `parlance serve --record` wrote
    file: PathBuf,
}

/// Feeds a recording to a fresh server, and says whether it did the same.
///
/// # Errors
/// Where the recording is damaged or cut off, or where the run differs.
pub(crate) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let file = &args.file;
    let summary = prove(file)?;
    let took = summary.last.mono.since(summary.first.mono);
    let Summary { connections, inputs, outputs, turns, bytes_sent, .. } = summary;
    writeln!(
        io::stdout(),
        "{}: equal: {turns} turns in {took:?}: {connections} connections, {inputs} inputs, \
         {outputs} outputs, {bytes_sent} bytes sent",
        file.display()
    )
    .map_err(|error| Failure::io("write the outcome", &error))
}

fn prove(path: &Path) -> Result<Summary, Failure> {
    let cannot_read =
        |error: io::Error| Failure::io(format_args!("read {}", path.display()), &error);
    let mut file = File::open(path).map_err(cannot_read)?;
    let mut part = vec![0; 64 << 10];
    let mut replay = Replay::new();
    loop {
        let read = match file.read(&mut part) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(cannot_read(error)),
        };
        let bytes = part.get(..read).unwrap_or_default();
        // What made the recorded server panic does it here too: that is found, not suffered.
        panic::catch_unwind(AssertUnwindSafe(|| replay.feed(bytes)))
            .map_err(|_| {
                let Summary { records, bytes, .. } = replay.summary();
                Failure::new(format!(
                    "{}: record {records} at byte {bytes} makes the server panic: report it with this file",
                    path.display()
                ))
            })?
            .map_err(|why| Failure::new(format!("{}: {why}", path.display())))?;
    }
    replay.finish().map_err(|why| Failure::new(format!("{}: {why}", path.display())))
}
