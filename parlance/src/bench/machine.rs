//! The machine under the load: descriptors, processors, and the time this thread has used.

use std::{fmt, str::FromStr, time::Duration};

use rustix::{io::Errno, process, thread, time};

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

/// Processors of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Processors(Vec<usize>);

impl Processors {
    /// Those that this thread may run on now.
    ///
    /// # Errors
    /// If the system does not tell.
    pub(crate) fn allowed() -> Result<Self, BenchError> {
        let set = thread::sched_getaffinity(None)
            .map_err(|error| BenchError::io("learn the processors", error))?;
        Ok(Self((0..thread::CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()))
    }

    /// Keeps this thread, and the processes and threads that it starts from now on, on these.
    ///
    /// # Errors
    /// If one of them is not there for us.
    pub(crate) fn pin(&self) -> Result<(), BenchError> {
        let mut set = thread::CpuSet::new();
        for &cpu in self.0.iter().filter(|&&cpu| cpu < thread::CpuSet::MAX_CPU) {
            set.set(cpu);
        }
        let failed =
            |error: Errno| BenchError::Processor { cpu: self.to_string(), error: error.into() };
        thread::sched_setaffinity(None, &set).map_err(failed)?;
        // The system leaves out those that it does not have.
        match thread::sched_getaffinity(None).map_err(failed)? == set {
            true => Ok(()),
            false => Err(failed(Errno::INVAL)),
        }
    }

    /// This one alone.
    pub(crate) fn one(cpu: usize) -> Self {
        Self(vec![cpu])
    }

    /// The first of them.
    pub(crate) fn first(&self) -> Self {
        Self(self.0.first().copied().into_iter().collect())
    }

    /// The last of them.
    pub(crate) fn last(&self) -> Self {
        Self(self.0.last().copied().into_iter().collect())
    }
}

impl FromStr for Processors {
    type Err = String;

    /// Numbers between commas.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| match text.trim().parse::<usize>() {
            Ok(cpu) if cpu < thread::CpuSet::MAX_CPU => Ok(cpu),
            _ => Err(format!("{text:?} is no number of a processor; 0 is the first, 0,1 are two")),
        };
        text.split(',').map(number).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Processors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&numbers.join(","))
    }
}

/// The time that this thread has spent on a processor.
pub(crate) fn thread_cpu() -> Duration {
    let spent = time::clock_gettime(time::ClockId::ThreadCPUTime);
    // Never negative: a count since the thread began.
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_numbers_between_commas() {
        assert_eq!("0,2".parse(), Ok(Processors(vec![0, 2])));
        assert!("".parse::<Processors>().is_err());
        assert!("0,x".parse::<Processors>().is_err());
        assert!("9999999".parse::<Processors>().is_err());
    }

    #[test]
    fn a_thread_goes_where_it_may_and_nowhere_else() {
        let here = std::thread::spawn(|| {
            let allowed = Processors::allowed().expect("the system tells");
            let last = allowed.last();
            last.pin().expect("it may run there");
            assert_eq!(Processors::allowed().expect("the system tells"), last);
            Processors(vec![1023]).pin().expect_err("no such processor").to_string()
        });
        let error = here.join().expect("no panic");
        assert!(error.starts_with("cannot run on processors 1023: "), "{error}");
    }
}
