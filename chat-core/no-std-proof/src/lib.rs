//! Proof that `chat-core` and all below it do without the standard library.
//!
//! This crate brings its own panic handler. If any crate that it links brought the standard
//! library, there would be two, and it would not build. Its feature `let-std-in` shows that.
#![no_std]

#[cfg(feature = "let-std-in")]
extern crate std;

use core::{
    alloc::{GlobalAlloc, Layout},
    panic::PanicInfo,
    ptr,
};

use chat_core::{Config, Input, Instant, Now, Server, UnixMillis};

/// An allocator without memory: this is built, never run.
struct NoMemory;

// SAFETY: no block is ever given out, which `alloc` may do at any time.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Uses enough of the server that all of it is linked.
#[unsafe(no_mangle)]
pub extern "C" fn no_std_proof() -> bool {
    let now = Now { mono: Instant::ZERO, wall: UnixMillis(0) };
    let Ok(mut server) = Server::new(Config::default(), [0; 32], now) else { return false };
    server.handle(now, Input::Timeout);
    server.poll_output().is_none()
}
