//! What happens when the process has used up its descriptors. Alone in its process, whose limit it
//! changes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs::File, net::TcpStream, os::fd::AsRawFd as _, thread};

use runtime_tokio::{Listen, SystemClock, bind};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{Client, options, talkative};

#[test]
fn newcomers_are_turned_away_until_there_are_descriptors_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = {
        let _inside = runtime.enter();
        let options = options(talkative(), &["127.0.0.1:0"], SystemClock::new());
        bind(options).unwrap()
    };
    let Listen::Tcp(address) = server.addresses()[0] else { panic!("it is no TCP address") };
    let handle = server.handle();
    // The kernel lets them wait until the server runs.
    let mut waiting: Vec<_> =
        (0..100).map(|_| Client::over(TcpStream::connect(address).unwrap())).collect();

    let before = getrlimit(Resource::Nofile);
    let lowest_free = File::open("/dev/null").unwrap().as_raw_fd() as u64;
    let for_one_more = Rlimit { current: Some(lowest_free + 1), ..before };
    setrlimit(Resource::Nofile, for_one_more).unwrap();
    let running = thread::spawn(move || runtime.block_on(server.run()));
    let (inside, outside) = waiting.split_first_mut().unwrap();
    inside.register("inside");
    for client in outside {
        assert!(client.rest().starts_with("ERROR "));
    }
    inside.barrier();

    setrlimit(Resource::Nofile, before).unwrap();
    let mut late = Client::over(TcpStream::connect(address).unwrap());
    late.register("late");
    inside.barrier();

    drop((waiting, late));
    handle.stop();
    running.join().unwrap();
}
