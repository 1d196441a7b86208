//! `fuzz_cases::framing` under libFuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz_cases::framing::run(data));
