//! Where the crate `dav1d` doesn't reach: silence.
#![allow(unsafe_code, reason = "the logger of dav1d is set in a C structure")]

use core::ptr::{addr_of_mut, null_mut};

use dav1d::Settings;
use dav1d_sys::Dav1dSettings;

// `Settings` wraps one `Dav1dSettings`. As long as it has the same size there is no room for anything else, and the
// one lies where the other does.
const _: () = assert!(size_of::<Settings>() == size_of::<Dav1dSettings>());
const _: () = assert!(align_of::<Settings>() == align_of::<Dav1dSettings>());

/// Keeps dav1d from writing to stderr, where each broken frame of a peer's would leave a line.
pub(crate) fn silence(settings: &mut Settings) {
    let raw = addr_of_mut!(*settings).cast::<Dav1dSettings>();
    // SAFETY: `raw` points at the `Dav1dSettings` that `settings` consists of, see above, and borrows it alone. A
    // null callback is a valid value, which turns logging off.
    unsafe { (*raw).logger.callback = null_mut() };
}
