//! What a process has used, as `/proc` tells it: processor time of each thread in ns, resident memory in
//! bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// A process that is measured from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pid: u32,
}

impl Process {
    /// The process of that number.
    ///
    /// # Errors
    /// If there is none, or this user may not look at it.
    pub(crate) fn find(pid: u32) -> io::Result<Self> {
        let process = Self { pid };
        process.usage().map(|_| process)
    }

    /// Its number.
    pub(crate) fn pid(self) -> u32 {
        self.pid
    }

    /// What it has used until now.
    ///
    /// # Errors
    /// If the process has ended or its files in `/proc` cannot be read.
    pub(crate) fn usage(self) -> io::Result<Usage> {
        let threads = self.threads()?;
        let cpu = threads.iter().map(|thread| thread.cpu).sum();
        Ok(Usage { cpu, threads, resident_bytes: self.resident_bytes()? })
    }

    /// How many descriptors it has open.
    ///
    /// # Errors
    /// If the process has ended or may not be looked at.
    pub(crate) fn descriptors(self) -> io::Result<usize> {
        Ok(fs::read_dir(self.path("fd"))?.count())
    }

    /// About how much memory is resident: the kernel's own count, which costs it nothing to tell.
    ///
    /// # Errors
    /// If the process has ended or its files in `/proc` cannot be read.
    pub(crate) fn resident_about_bytes(self) -> io::Result<u64> {
        let text = fs::read_to_string(self.path("status"))?;
        parse_kb(&text, &["VmRSS:"]).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// All living threads.
    fn threads(self) -> io::Result<Vec<Thread>> {
        let mut threads = Vec::new();
        for task in fs::read_dir(self.path("task"))? {
            match Thread::read(&task?.path()) {
                Ok(thread) => threads.push(thread),
                // One that ended since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(threads)
    }

    fn resident_bytes(self) -> io::Result<u64> {
        let text = fs::read_to_string(self.path("smaps_rollup"))
            .or_else(|_| fs::read_to_string(self.path("status")))?;
        parse_kb(&text, &["Rss:", "VmRSS:"]).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn path(self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.pid))
    }
}

/// What a process has used at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// User and system time of all threads since they began.
    pub(crate) cpu: Duration,
    /// Each thread by itself.
    pub(crate) threads: Vec<Thread>,
    /// Memory that is resident now.
    pub(crate) resident_bytes: u64,
}

/// One thread of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    /// Its number and name, as `/proc` has them.
    pub(crate) name: String,
    /// User and system time since it began.
    pub(crate) cpu: Duration,
}

impl Thread {
    fn read(task: &Path) -> io::Result<Self> {
        let cpu = fs::read_to_string(task.join("schedstat"))?;
        let cpu = parse_schedstat(&cpu).ok_or(io::ErrorKind::InvalidData)?;
        let id = task.file_name().unwrap_or_default().to_string_lossy();
        let comm = fs::read_to_string(task.join("comm"))?;
        let name = format!("{id} {}", comm.trim());
        Ok(Self { name, cpu: Duration::from_nanos(cpu) })
    }
}

/// The time on a processor in ns: the first number of a `schedstat`.
fn parse_schedstat(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// The bytes in the first line that begins with one of `keys`; `/proc` counts in kB of 1024 bytes.
fn parse_kb(text: &str, keys: &[&str]) -> Option<u64> {
    let value = |line: &str| keys.iter().find_map(|key| line.strip_prefix(key).map(str::to_owned));
    let line = text.lines().find_map(value)?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_begins_with_the_time_run() {
        assert_eq!(parse_schedstat("1234567 89 10\n"), Some(1_234_567));
        assert_eq!(parse_schedstat(""), None);
        assert_eq!(parse_schedstat("x 1 2"), None);
    }

    #[test]
    fn resident_memory_is_read_from_either_file() {
        let rollup =
            "5566-7ffc ---p 0 00:00 0 [rollup]\nRss:                1756 kB\nPss: 540 kB\n";
        let resident = |text| parse_kb(text, &["Rss:", "VmRSS:"]);
        assert_eq!(resident(rollup), Some(1756 * 1024));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2 kB\n"), Some(2048));
        assert_eq!(resident("Name:\tx\n"), None);
        assert_eq!(resident("Rss: many kB\n"), None);
    }

    #[test]
    fn this_process_can_be_measured() {
        let process = Process::find(std::process::id()).expect("we run");
        let usage = process.usage().expect("we still run");
        assert!(usage.resident_bytes > 0);
        let named =
            std::thread::current().name().map(|name| name.get(..15).unwrap_or(name).to_owned());
        assert!(
            usage
                .threads
                .iter()
                .any(|thread| named.as_ref().is_some_and(|n| thread.name.ends_with(n.as_str())))
        );
        assert!(process.resident_about_bytes().expect("we still run") > 0);
        assert!(process.descriptors().expect("we still run") >= 3);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Process::find(u32::MAX).is_err());
    }
}
