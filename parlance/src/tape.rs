//! Where `--record` writes: a new file that only its owner may read.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use chat_core::host::Tape;
use tracing::error;

/// A recording on its way to a file. If writing fails, that is logged once and the recording ends.
pub(crate) struct FileTape<W: io::Write = File> {
    path: PathBuf,
    file: Option<BufWriter<W>>,
}

impl FileTape {
    /// Makes the file.
    ///
    /// # Errors
    /// If it exists already, or can't be made.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { path: path.into(), file: Some(BufWriter::with_capacity(BUFFER, file)) })
    }
}

impl<W: io::Write> FileTape<W> {
    fn give_up(&mut self, why: &io::Error) {
        if let Some(file) = self.file.take() {
            error!("recording to {} ended, the chat goes on: {why}", self.path.display());
            // What is buffered has nowhere to go either.
            drop(file.into_parts());
        }
    }
}

impl<W: io::Write + Send> Tape for FileTape<W> {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(file) = &mut self.file
            && let Err(why) = file.write_all(bytes)
        {
            self.give_up(&why);
        }
    }
}

impl<W: io::Write> Drop for FileTape<W> {
    fn drop(&mut self) {
        if let Some(file) = &mut self.file
            && let Err(why) = file.flush()
        {
            self.give_up(&why);
        }
    }
}

const BUFFER: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn only_the_owner_may_read_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut tape = FileTape::create(&path).unwrap();
        tape.write(b"recorded");
        drop(tape);
        assert_eq!(fs::read(&path).unwrap(), b"recorded");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = FileTape::create(&path).map(|_| ()).map_err(|error| error.kind());
        assert_eq!(again, Err(io::ErrorKind::AlreadyExists));
    }

    /// A disk with room for so many bytes; it counts how often it was asked in vain.
    struct Disk<'a>(usize, &'a std::sync::atomic::AtomicU32);

    impl io::Write for Disk<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.checked_sub(bytes.len()) {
                Some(left) => self.0 = left,
                None => {
                    self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    return Err(io::ErrorKind::StorageFull.into());
                }
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_ends_the_recording_once() {
        let refused = std::sync::atomic::AtomicU32::new(0);
        let file = Some(BufWriter::with_capacity(4, Disk(8, &refused)));
        let mut tape = FileTape { path: "disk".into(), file };
        for _ in 0..10 {
            tape.write(b"1234");
        }
        drop(tape);
        assert_eq!(refused.into_inner(), 1);
    }
}
