//! The machine under the load: descriptors, processors, and the time this thread has used.

use std::{io, time::Duration};

use rustix::{process, thread, time};

use super::error::BenchError;

/// Makes sure that `needed` descriptors can be open at once, raising the soft limit as far as it goes.
///
/// # Errors
/// If the hard limit is lower.
pub(crate) fn allow_descriptors(needed: u64) -> Result<(), BenchError> {
    let limit = process::getrlimit(process::Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(allowed) = limit.maximum.filter(|&maximum| maximum < needed) {
        return Err(BenchError::Descriptors { needed, allowed });
    }
    let raised = process::Rlimit { current: Some(needed), maximum: limit.maximum };
    process::setrlimit(process::Resource::Nofile, raised)
        .map_err(|error| BenchError::io("raise the limit of open descriptors", error))
}

/// Raises the soft limit of open descriptors as far as it goes, for a process that serves all comers.
///
/// # Errors
/// If the system refuses.
pub(crate) fn allow_all_descriptors() -> Result<(), BenchError> {
    let maximum = process::getrlimit(process::Resource::Nofile).maximum;
    let raised = process::Rlimit { current: maximum, maximum };
    process::setrlimit(process::Resource::Nofile, raised)
        .map_err(|error| BenchError::io("raise the limit of open descriptors", error))
}

/// Keeps this thread, and the processes that it starts from now on, on one processor.
///
/// # Errors
/// If there is no such processor for us.
pub(crate) fn pin(cpu: usize) -> Result<(), BenchError> {
    let failed = |error: io::Error| BenchError::Processor { cpu, error };
    if cpu >= thread::CpuSet::MAX_CPU {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    }
    let mut set = thread::CpuSet::new();
    set.set(cpu);
    thread::sched_setaffinity(None, &set).map_err(|error| failed(error.into()))
}

/// The time that this thread has spent on a processor.
pub(crate) fn thread_cpu() -> Duration {
    let spent = time::clock_gettime(time::ClockId::ThreadCPUTime);
    // Never negative: a count since the thread began.
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}
